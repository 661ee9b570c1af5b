import type { Server } from 'node:net'

type HttpServer = Server & { closeIdleConnections?(): void }

/** Stops accepting connections and resolves when the requests in flight are answered. */
export function drain(server: Server): Promise<void> {
  return new Promise(resolve => {
    const http = server as HttpServer
    // Kept-alive connections are idle only once their last response is out.
    const idle = setInterval(() => http.closeIdleConnections?.(), 50)
    server.close(() => {
      clearInterval(idle)
      resolve()
    })
    http.closeIdleConnections?.()
  })
}
