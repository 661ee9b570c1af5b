import { createServer } from 'node:http'
import { boundSpan } from '../otlp/span-bounds.ts'
import { createPricing, tagOf } from '../reading/pricing.ts'
import type { Trace } from '../reading/trace.ts'
import { listen } from '../server/listening-port.ts'
import { createLiveFeed } from '../server/live-feed.ts'
import { createRequestHandler } from '../server/request-handler.ts'
import { createRoutes } from '../server/routes.ts'
import { createFallback } from '../server/view-routes.ts'
import { openDatasetFiles } from '../store/dataset-files.ts'
import { readAhead } from '../store/read-ahead.ts'
import { openTraceFile, type TraceFile } from '../store/trace-file.ts'
import { createTraceSearch } from '../store/trace-search.ts'
import { createTraceStore, type TraceStoreStats } from '../store/trace-store.ts'
import { createTraceWaiters, type TraceMatch } from '../store/trace-waiters.ts'
import { type InspectorOptions, isLoopback, resolveOptions } from './options.ts'

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
  /** Where the page shows a trace. */
  traceUrl(id: string): string
  /** Every trace held, settled or not, oldest first. */
  traces(): Trace[]
  trace(id: string): Trace | undefined
  /** Resolves with the first settled trace that matches; rejects after `timeoutMs`, 5000 unless set. */
  waitForTrace(match?: TraceMatch, options?: { timeoutMs?: number }): Promise<Trace>
  stats(): InspectorStats
  /** Forgets every trace; resolves when they are deleted from the file too, and rejects if that failed. */
  clear(): Promise<void>
  /** Settles what is pending, so that `onTrace` sees it, and stops listening. */
  close(): Promise<void>
}

/** Starts a local Langfuse server; throws an InspectorError on misuse. */
export async function startInspector(options: InspectorOptions = {}): Promise<Inspector> {
  const config = resolveOptions(options, process.env)
  const priceOf = createPricing(config.prices)
  const waiters = createTraceWaiters()
  const store = createTraceStore({
    ...config,
    priceOf,
    onSettle(trace) {
      try {
        config.onTrace(trace)
      } catch (error) {
        config.warn(`onTrace threw, the trace is kept all the same: ${String(error)}`)
      }
      waiters.offer(trace)
    },
    onChange(id) {
      feed.changed(id)
      search.changed(id)
    },
  })
  const feed = createLiveFeed(store.summary, () => store.stats().evictedTraces)
  const search = createTraceSearch(store)
  let file: TraceFile | undefined
  const clear = async (): Promise<void> => {
    store.clear()
    await file?.clear()
  }
  let rejectedSpans = 0
  const routes = createRoutes({
    store,
    feed,
    clear,
    search: search.find,
    project: config.sendTo,
    priceOf,
    datasets: openDatasetFiles(config.datasets),
    env: process.env,
    isLocal: isLoopback(config.host),
    maxBodyBytes: config.maxBodyBytes,
    keepSpans(spans) {
      const bounded = spans.map(span => boundSpan(span, config))
      file?.append(bounded, [])
      return store.addSpans(bounded)
    },
    keepRunning: spans => store.addRunning(spans.map(span => boundSpan(span, config))),
    keepScore(score) {
      store.addScore(score)
      file?.append([], [score])
    },
    countRejected(spans) {
      rejectedSpans += spans
    },
  })
  const allowedHosts = [...config.allowedHosts, config.host.toLowerCase()]
  const server = createServer(createRequestHandler(routes, allowedHosts, createFallback()))
  if (config.unref) server.on('connection', socket => socket.unref()).unref()
  const port = await listen(server, config.port, config.host)
  if (config.port !== 0 && port !== config.port) {
    config.warn(`Port ${config.port} is in use: the inspector listens on ${port}`)
  }

  // No request is read before this has ended: whoever lost the port never touches the file.
  const { file: path, maxFileBytes: maxBytes, warn } = config
  const summariser = { tag: tagOf(config.prices), priceOf }
  if (path !== undefined) file = openTraceFile({ path, maxBytes, summariser, warn })
  file?.load(store.restore)
  const stopReading = readAhead(store)
  const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`

  return {
    url,
    port,
    traceUrl: id => traceUrl(url, id),
    traces: store.traces,
    trace: store.trace,
    waitForTrace: (match = () => true, { timeoutMs = 5000 } = {}) =>
      waiters.wait(match, timeoutMs, store.traces),
    stats: () => ({ ...store.stats(), rejectedSpans }),
    clear,
    async close() {
      feed.close()
      stopReading()
      await new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      store.settleAll()
      waiters.close()
      search.close()
      await file?.close()
    },
  }
}

/** Where an inspector's page shows a trace. */
export function traceUrl(inspectorUrl: string, id: string): string {
  return `${inspectorUrl}/traces/${id}`
}
