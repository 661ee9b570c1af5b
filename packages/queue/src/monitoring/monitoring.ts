import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMetrics } from './metrics.ts'
import type { Monitored } from './stats.ts'

/** The HTTP server of a worker. */
export interface Monitoring {
  readonly url: string
  close(): Promise<void>
}

/** Serves `/healthz` (503 only once stopped), `/readyz` (503 unless ok) and `/metrics`. Rejects if the port is taken. */
export async function createMonitoring(
  { port, host }: { port: number; host: string },
  worker: Monitored,
): Promise<Monitoring> {
  const metrics = createMetrics(worker)
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0]
    if (path === '/metrics') return metrics.answer(request, response)
    const health = worker.health()
    // An orchestrator must not restart a worker because Langfuse is down: it would only lose what it has in memory.
    if (path === '/healthz') return json(response, health.status === 'stopped' ? 503 : 200, health)
    if (path === '/readyz') return json(response, health.status === 'ok' ? 200 : 503, health)
    return json(response, 404, { error: 'try /healthz, /readyz or /metrics' })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  server.unref()
  const { port: actual } = server.address() as AddressInfo
  return {
    url: `http://${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${actual}`,
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
      await metrics.close()
    },
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
}
