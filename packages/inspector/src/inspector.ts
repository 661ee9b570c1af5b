import { createServer } from 'node:http'
import { listen } from './listening-port.ts'
import { type InspectorOptions, resolveOptions } from './options.ts'
import { createRequestHandler } from './request-handler.ts'
import { createRoutes } from './routes.ts'
import type { Trace } from './trace.ts'
import { createTraceStore, type TraceStoreStats } from './trace-store.ts'
import { createTraceWaiters, type TraceMatch } from './trace-waiters.ts'

/** What the inspector has seen. */
export interface InspectorStats extends TraceStoreStats {
  /** Malformed spans, and spans that found no room. */
  rejectedSpans: number
}

/** A running inspector. */
export interface Inspector {
  /** What LANGFUSE_BASE_URL should be. */
  readonly url: string
  readonly port: number
  /** Every trace held, settled or not, oldest first. */
  traces(): Trace[]
  trace(id: string): Trace | undefined
  /** Resolves with the first settled trace that matches; rejects after `timeoutMs`, 5000 unless set. */
  waitForTrace(match?: TraceMatch, options?: { timeoutMs?: number }): Promise<Trace>
  stats(): InspectorStats
  /** Forgets every trace. */
  clear(): void
  /** Settles what is pending, so that `onTrace` sees it, and stops listening. */
  close(): Promise<void>
}

/** Starts a local Langfuse stand-in; throws an InspectorError on misuse. */
export async function startInspector(options: InspectorOptions = {}): Promise<Inspector> {
  const config = resolveOptions(options, process.env)
  const waiters = createTraceWaiters()
  const store = createTraceStore({
    ...config,
    onSettle(trace) {
      try {
        config.onTrace(trace)
      } catch (error) {
        config.warn(`onTrace threw, the trace is kept all the same: ${String(error)}`)
      }
      waiters.offer(trace)
    },
  })
  let rejectedSpans = 0
  const routes = createRoutes({
    store,
    maxBodyBytes: config.maxBodyBytes,
    countRejected(spans) {
      rejectedSpans += spans
    },
  })
  const allowedHosts = [...config.allowedHosts, config.host.toLowerCase()]
  const server = createServer(createRequestHandler(routes, allowedHosts))
  const port = await listen(server, config.port, config.host)
  if (config.port !== 0 && port !== config.port) {
    config.warn(`Port ${config.port} is in use: the inspector listens on ${port}`)
  }

  return {
    url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
    port,
    traces: store.traces,
    trace: store.trace,
    waitForTrace: (match = () => true, { timeoutMs = 5000 } = {}) =>
      waiters.wait(match, timeoutMs, store.traces),
    stats: () => ({ ...store.stats(), rejectedSpans }),
    clear: store.clear,
    async close() {
      await new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      store.settleAll()
      waiters.close()
    },
  }
}
