import { once } from 'node:events'
import { type Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'

/** An answer read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** Sends one request, on its own connection unless `agent` is set, and reads the whole answer. Rejects if the connection breaks. */
export function call(
  port: number,
  path: string,
  {
    method = 'GET',
    headers = {},
    body,
    agent = false,
  }: {
    method?: string
    headers?: Record<string, string>
    body?: readonly string[]
    agent?: Agent | false
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers, agent }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      )
    })
    outgoing.on('error', reject)
    void send()

    async function send(): Promise<void> {
      for (const chunk of body ?? []) {
        outgoing.write(chunk)
        // Apart, so that the server sees more than one chunk.
        await new Promise(next => setTimeout(next, 10))
      }
      outgoing.end()
    }
  })
}

/** A raw connection on which `lines` were sent, with everything that came back so far. */
export async function rawConnection(
  port: number,
  lines: string,
): Promise<{ socket: Socket; received: () => string }> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8')
  socket.on('data', chunk => {
    text += chunk
  })
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(lines)
  return { socket, received: () => text }
}

/** Resolves once `condition` holds; rejects after five seconds. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen within 5 seconds`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
