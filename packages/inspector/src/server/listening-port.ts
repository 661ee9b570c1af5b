import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { InspectorError } from '../basics/inspector-error.ts'

const attempts = 20

/** Starts listening on a port, or on the next free one after it; resolves with the port taken. */
export async function listen(server: Server, port: number, host: string): Promise<number> {
  const last = port === 0 ? 0 : Math.min(port + attempts - 1, 65_535)
  for (let candidate = port; candidate <= last; candidate += 1) {
    if (await isListening(server, candidate, host)) return (server.address() as AddressInfo).port
  }
  throw new InspectorError(
    'LANGFUSE_MIDDLEWARE_NO_FREE_PORT',
    `ports ${port} to ${last} on ${host} are all in use: choose another port, or 0 for any`,
  )
}

function isListening(server: Server, port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      server.off('listening', onListening)
      if (error.code === 'EADDRINUSE' && port !== 0) resolve(false)
      else reject(error)
    }
    const onListening = (): void => {
      server.off('error', onError)
      resolve(true)
    }
    server.once('error', onError).once('listening', onListening).listen({ port, host, exclusive: true })
  })
}
