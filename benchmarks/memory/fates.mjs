import { connect } from 'node:net'

const STATUS_LINE = Buffer.from('HTTP/1.1 ')
const get = path =>
  `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-user-id: ada\r\nuser-agent: benchmark/1.0\r\n\r\n`

/** What a connection asks before it ends: mostly what is answered, and one request that is not, in its turn. */
const ANSWERED = [...Array(85).fill('/ok/1'), ...Array(7).fill('/missing'), ...Array(7).fill('/throws')]
const LAST = ['/ok/2', '/never', '/breaks']
export const PER_CONNECTION = ANSWERED.length + 1

let turn = 0

/** Makes one connection's worth of pipelined requests; resolves when all have come to their ends. */
export function oneConnection(port) {
  turn += 1
  const last = LAST[turn % LAST.length]
  // The client leaves; of the others, the last answer is waited for, or the server's end of the connection.
  const leaves = last === '/never'
  const answers = ANSWERED.length + (leaves ? 0 : 1)
  const socket = connect(port, '127.0.0.1')
  socket.write([...ANSWERED, last].map(get).join(''))
  let answered = 0
  let rest = Buffer.alloc(0)
  return new Promise(resolve => {
    socket.on('data', chunk => {
      const bytes = Buffer.concat([rest, chunk])
      for (let at = bytes.indexOf(STATUS_LINE); at !== -1; at = bytes.indexOf(STATUS_LINE, at + 1))
        answered += 1
      rest = Buffer.from(bytes.subarray(-(STATUS_LINE.length - 1)))
      if (answered < answers || last === '/breaks') return
      if (leaves) socket.resetAndDestroy()
      else socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answered))
  })
}

/** Opens requests that are never answered, many to a connection; the returned function ends them. */
export function openRequests(port, count, connections = 50) {
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    socket.write(get('/never').repeat(count / connections))
    return socket
  })
  return () => {
    for (const socket of sockets) socket.destroy()
  }
}
