// Makes the load. Requests are ready bytes and answers are only counted, because a generator that parses cannot keep a bare
// framework's core busy from one core of its own. Either so many requests are always open (`pipelining` on each of `connections`), or
// they are sent at a `rate`, whatever the answers take. It never sleeps: one that does must be woken by the server's next answer, which on
// one machine costs a server more than all that is measured here, and only one that is slower than its load.
import { connect } from 'node:net'

const ANSWERED = Buffer.from('HTTP/1.1 200')
let running

process.on('message', ({ start, question }) => {
  if (start !== undefined) {
    running = startLoad(start)
    process.send({ answer: true })
  } else if (question === 'count') process.send({ answer: running.count() })
  else running.stop().then(answer => process.send({ answer }))
})
process.on('disconnect', () => process.exit())
process.send({ ready: true })

function startLoad({ port, request, connections, pipelining, rate }) {
  const one = Buffer.from(request)
  const several = Array.from({ length: (pipelining ?? 0) + 1 }, (_, count) =>
    Buffer.from(request.repeat(count)),
  )
  const open = Array.from({ length: connections }, connectOne)
  const startedAt = performance.now()
  let lastAt = startedAt
  let answered = 0
  let sent = 0
  let latencies = []
  let stopped = false
  const pace = rate === undefined ? undefined : startPace()
  poll()

  return {
    count() {
      const sorted = latencies.sort((a, b) => a - b)
      latencies = []
      return { answered, p50Ms: sorted[sorted.length >> 1], p99Ms: sorted[Math.floor(sorted.length * 0.99)] }
    },
    async stop() {
      stopped = true
      clearInterval(pace)
      const until = performance.now() + 3_000
      while (answered < sent && performance.now() < until)
        await new Promise(resolve => setTimeout(resolve, 10))
      for (const { socket } of open) socket.destroy()
      return { answered, unanswered: sent - answered, ms: lastAt - startedAt }
    },
  }

  function connectOne() {
    const socket = connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    const connection = { socket, sentAt: [] }
    let rest = Buffer.alloc(0)
    if (rate === undefined) socket.on('connect', () => send(connection, pipelining))
    socket.on('error', () => {})
    socket.on('data', chunk => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let count = 0
      for (let at = bytes.indexOf(ANSWERED); at !== -1; at = bytes.indexOf(ANSWERED, at + ANSWERED.length))
        count += 1
      rest = Buffer.from(bytes.subarray(-(ANSWERED.length - 1)))
      answered += count
      if (count > 0) lastAt = performance.now()
      if (rate !== undefined) {
        const now = performance.now()
        for (let index = 0; index < count; index += 1) latencies.push(now - connection.sentAt.shift())
      } else if (count > 0 && !stopped) send(connection, count)
    })
    return connection
  }

  function send(connection, count) {
    sent += count
    connection.socket.write(several[count])
  }

  function poll() {
    if (!stopped) setImmediate(poll)
  }

  function startPace() {
    const started = performance.now()
    return setInterval(() => {
      const due = Math.floor(((performance.now() - started) / 1_000) * rate)
      for (; sent < due; sent += 1) {
        const connection = open[sent % open.length]
        connection.sentAt.push(performance.now())
        connection.socket.write(one)
      }
    }, 1)
  }
}
