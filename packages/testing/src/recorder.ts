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
  /** Everything exported so far, after a flush. */
  traces(): Promise<RecordedTrace[]>
  /** The first trace that `matches`, as soon as it is exported; rejects after `timeoutMs`, 5000 by default. */
  waitFor(matches: (trace: RecordedTrace) => boolean, timeoutMs?: number): Promise<RecordedTrace>
  /**
   * The trace with this id, as soon as its root is exported, and forgets it, so that a long run keeps nothing; undefined after
   * `timeoutMs`, 5000 by default.
   */
  take(traceId: string, timeoutMs?: number): Promise<RecordedTrace | undefined>
  /** Forgets everything recorded. */
  clear(): void
  /** Shuts tracing down, so that the next test can start anew. */
  close(): Promise<void>
}

/** Options of `recordTraces`: those of `initTracing`, except for the destination. */
export interface RecorderOptions extends Omit<TracingOptions, 'exporter'> {
  /** Gets the same spans and scores, such as an exporter that delivers them. */
  forwardTo?: TracingExporter | undefined
}

const SILENT = { info() {}, warn() {}, error() {} }
const POLL_MS = 10

/**
 * Starts tracing with everything recorded in memory; takes the options of `initTracing`.
 *
 * @throws {Error} if tracing runs already.
 */
export function recordTraces({ forwardTo, ...options }: RecorderOptions = {}): Recorder {
  if (getTracing() !== undefined)
    throw new Error('tracing runs already: close its recorder, or shut it down, first')
  const spans = new Map<string, ReadableSpan[]>()
  let scores: SentScore[] = []
  const tracing = initTracing({
    logger: SILENT,
    shutdown: { signals: false },
    ...options,
    exporter: {
      export(batch, done) {
        for (const span of batch) {
          const { traceId } = span.spanContext()
          const known = spans.get(traceId)
          if (known === undefined) spans.set(traceId, [span])
          else known.push(span)
        }
        if (forwardTo === undefined) done({ code: 0 })
        else forwardTo.export(batch, done)
      },
      exportScore(score) {
        scores.push(score)
        forwardTo?.exportScore?.(score)
      },
      forceFlush: async () => forwardTo?.forceFlush?.(),
      shutdown: async () => forwardTo?.shutdown(),
    },
  })

  async function traces(): Promise<RecordedTrace[]> {
    await tracing.flush()
    return groupTraces([...spans.values()].flat(), scores)
  }

  return {
    tracing,
    traces,
    async waitFor(matches, timeoutMs = 5_000) {
      const found = await polled(async () => (await traces()).find(matches), timeoutMs)
      if (found !== undefined) return found
      const names = (await traces()).map(trace => trace.root?.name ?? `(no root) ${trace.id}`)
      throw new Error(`no such trace within ${timeoutMs} ms; recorded: ${names.join(', ') || 'none'}`)
    },
    async take(traceId, timeoutMs = 5_000) {
      const found = await polled(async () => {
        if (!spans.has(traceId)) await tracing.flush()
        const [trace] = groupTraces(spans.get(traceId) ?? [], scores)
        return trace?.root === undefined ? undefined : trace
      }, timeoutMs)
      spans.delete(traceId)
      scores = scores.filter(score => score.traceId !== traceId)
      return found
    },
    clear() {
      spans.clear()
      scores = []
    },
    async close() {
      await tracing.shutdown()
    },
  }
}

async function polled<T>(read: () => Promise<T | undefined>, timeoutMs: number): Promise<T | undefined> {
  const until = Date.now() + timeoutMs
  for (;;) {
    const found = await read()
    if (found !== undefined || Date.now() > until) return found
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}
