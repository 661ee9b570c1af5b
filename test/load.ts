import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** One way a connection can go: what it sends, what of that it waits to be answered, and how it leaves. */
interface Fate {
  readonly paths: readonly string[]
  /** Answers to wait for, by their status lines. */
  readonly answers: number
  readonly leave: (socket: Socket) => void
}

const many = (path: string, count: number): string[] => Array.from({ length: count }, () => path)
const destroy = (socket: Socket): void => {
  socket.destroy()
}
const close = (socket: Socket): void => {
  socket.end()
}
const reset = (socket: Socket): void => {
  socket.resetAndDestroy()
}

/** For an application with the routes `/ok/:id`, `/throws`, `/never` and `/streams`, the last of which begins and does not end. */
const FATES: readonly Fate[] = [
  { paths: many('/ok/1', 60), answers: 60, leave: destroy },
  {
    paths: [...many('/ok/2', 10), ...many('/missing', 10), ...many('/throws', 10)],
    answers: 30,
    leave: close,
  },
  // Gone before any answer: the first answer only tells that the rest has arrived, too.
  { paths: ['/ok/3', '/never'], answers: 1, leave: destroy },
  { paths: ['/ok/4', '/never'], answers: 1, leave: close },
  { paths: ['/ok/5', '/streams'], answers: 2, leave: destroy },
  { paths: ['/ok/6', '/streams', ...many('/ok/7', 20)], answers: 2, leave: reset },
  {
    paths: ['/ok/8', '/never', ...many('/ok/9', 20), '/throws', '/missing', '/streams'],
    answers: 1,
    leave: destroy,
  },
  { paths: many('/ok/10', 20), answers: 3, leave: reset },
  { paths: many('/never', 20), answers: 0, leave: destroy },
]

/** Sends requests of every fate to `port`, on eight connections at a time, until `isEnough` says so. */
export async function sendMixedFates(port: number, isEnough: () => boolean): Promise<void> {
  let turn = 0
  await Promise.all(
    many('lane', 8).map(async () => {
      while (!isEnough()) {
        await live(port, FATES[turn % FATES.length] as Fate)
        turn += 1
      }
    }),
  )
}

async function live(port: number, { paths, answers, leave }: Fate): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  await once(socket, 'connect')
  socket.write(paths.map(path => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`).join(''))
  if (answers === 0) socket.resume()
  else await answered(socket, answers)
  leave(socket)
  await closed
}

function answered(socket: Socket, answers: number): Promise<void> {
  return new Promise(resolve => {
    let seen = 0
    let rest = ''
    socket.on('data', chunk => {
      const text = rest + chunk.toString('latin1')
      const parts = text.split('HTTP/1.1 ')
      seen += parts.length - 1
      // A status line may come in two pieces.
      rest = (parts.at(-1) as string).slice(-8)
      if (seen >= answers) resolve()
    })
    socket.on('close', () => resolve())
  })
}
