import type { Server } from 'node:net'
import { sessionsOf } from '../http/seen-servers.ts'

type HttpServer = Server & { closeIdleConnections?(): void }

const IDLE_CHECK_MS = 50

/** Stops accepting connections and resolves when the requests in flight are answered. */
export function drain(server: Server): Promise<void> {
  return new Promise(resolve => {
    const http = server as HttpServer
    // A kept-alive connection is idle only once its last response is out.
    const idle = setInterval(closeIdle, IDLE_CHECK_MS)
    server.close(() => {
      clearInterval(idle)
      resolve()
    })
    closeIdle()

    function closeIdle(): void {
      http.closeIdleConnections?.()
      // Node before 24 waits for every session of HTTP/2, also for one without a request.
      for (const session of sessionsOf(server)) session.close()
    }
  })
}

/** Does so for several servers. A server that cannot be closed holds nothing up. */
export async function drainAll(servers: readonly Server[]): Promise<void> {
  await Promise.allSettled(servers.map(drain))
}
