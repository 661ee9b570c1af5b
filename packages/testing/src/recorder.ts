import {
  getTracing,
  initTracing,
  type SentScore,
  type Tracing,
  type TracingExporter,
  type TracingOptions,
} from '@langfuse-middleware/core'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { groupTraces, type RecordedTrace } from './recorded-trace.ts'

/** Tracing into memory, through the pipeline that production uses. */
export interface Recorder {
  readonly tracing: Tracing
  /** What has left so far, after a flush. */
  traces(): Promise<RecordedTrace[]>
  /** The first trace that `matches`, as soon as it has left; rejects after `timeoutMs`, 5000 by default. */
  waitFor(matches: (trace: RecordedTrace) => boolean, timeoutMs?: number): Promise<RecordedTrace>
  /** Forgets what has been recorded. */
  clear(): void
  /** Shuts tracing down, so that the next test can start anew. */
  close(): Promise<void>
}

const SILENT = { info() {}, warn() {}, error() {} }
const POLL_MS = 10

/** Starts tracing with everything recorded in memory; `options` as for `initTracing`. Throws if tracing runs already. */
export function recordTraces(options: TracingOptions = {}): Recorder {
  if (getTracing() !== undefined)
    throw new Error('tracing runs already: close its recorder, or shut it down, first')
  let spans: ReadableSpan[] = []
  let scores: SentScore[] = []
  const exporter: TracingExporter = {
    export(batch, done) {
      spans.push(...batch)
      done({ code: 0 })
    },
    exportScore: score => void scores.push(score),
    shutdown: async () => {},
  }
  const tracing = initTracing({ logger: SILENT, shutdown: { signals: false }, ...options, exporter })

  async function traces(): Promise<RecordedTrace[]> {
    await tracing.flush()
    return groupTraces(spans, scores)
  }

  return {
    tracing,
    traces,
    async waitFor(matches, timeoutMs = 5_000) {
      const until = Date.now() + timeoutMs
      for (;;) {
        const recorded = await traces()
        const found = recorded.find(matches)
        if (found !== undefined) return found
        if (Date.now() > until) {
          const names = recorded.map(trace => trace.root?.name ?? `(no root) ${trace.id}`)
          throw new Error(`no such trace within ${timeoutMs} ms; recorded: ${names.join(', ') || 'none'}`)
        }
        await new Promise(resolve => setTimeout(resolve, POLL_MS))
      }
    },
    clear() {
      spans = []
      scores = []
    },
    async close() {
      await tracing.shutdown()
    },
  }
}
