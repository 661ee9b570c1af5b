import { randomUUID } from 'node:crypto'
import type { SentScore, TracingExporter } from '@langfuse-middleware/core'
import {
  createLangfuseScoreSender,
  createLangfuseSender,
  createOutbox,
  createScoreOutbox,
  type ScoreEvent,
} from '@langfuse-middleware/delivery'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { LangfuseConnection } from './connection.ts'

/** Attributes of a span by name. */
type StampedAttributes = Readonly<Record<string, string>>

/** Delivers traces to Langfuse, each marked as the item of an experiment that it answers. */
export interface ExperimentExporter extends TracingExporter {
  /** Sends a trace that was held, with `attributes` on every observation and `ofRoot` on its root besides. */
  release(traceId: string, attributes: StampedAttributes, ofRoot: StampedAttributes): void
  /** Sends everything that is still held, and waits; returns how many spans and scores were lost. */
  close(timeoutMs: number): Promise<number>
}

/**
 * Creates an exporter that holds each trace until the run knows which item it answers, since the id of a request's trace is known only
 * after its response.
 */
export function createExperimentExporter(connection: LangfuseConnection): ExperimentExporter {
  const { publicKey, secretKey, baseUrl } = connection
  const endpoint = { publicKey, secretKey, baseUrl }
  const shared = { name: 'Langfuse', secrets: secretKey === publicKey ? [] : [secretKey] }
  const outbox = createOutbox({ ...shared, sender: createLangfuseSender(endpoint) })
  const scores = createScoreOutbox({
    ...shared,
    sender: createLangfuseScoreSender(endpoint),
    maxInFlight: 1,
  })
  const held = new Map<string, ReadableSpan[]>()
  const stamps = new Map<string, (span: ReadableSpan) => ReadableSpan>()
  const send = (spans: ReadableSpan[]) => outbox.export(spans, () => {})

  return {
    export(spans, done) {
      for (const span of spans) {
        const { traceId } = span.spanContext()
        const stamp = stamps.get(traceId)
        if (stamp !== undefined) send([stamp(span)])
        else if (held.get(traceId)?.push(span) === undefined) held.set(traceId, [span])
      }
      done({ code: 0 })
    },
    exportScore: score => void scores.add([toEvent(score)]),
    release(traceId, attributes, ofRoot) {
      const stamp = (span: ReadableSpan) =>
        withAttributes(span, isRoot(span) ? { ...attributes, ...ofRoot } : attributes)
      stamps.set(traceId, stamp)
      send((held.get(traceId) ?? []).map(stamp))
      held.delete(traceId)
    },
    async close(timeoutMs) {
      send([...held.values()].flat())
      held.clear()
      const results = await Promise.all([outbox.close({ timeoutMs }), scores.close({ timeoutMs })])
      return results.reduce((lost, { dropped, waiting }) => lost + dropped + waiting, 0)
    },
    shutdown: async () => {},
  }
}

function isRoot(span: ReadableSpan): boolean {
  return span.parentSpanContext === undefined
}

function toEvent(body: SentScore): ScoreEvent {
  return { id: randomUUID(), type: 'score-create', timestamp: new Date().toISOString(), body }
}

/** An ended span is read-only: a view of it has more attributes. */
function withAttributes(span: ReadableSpan, added: StampedAttributes): ReadableSpan {
  return Object.create(span, { attributes: { value: { ...span.attributes, ...added } } })
}
