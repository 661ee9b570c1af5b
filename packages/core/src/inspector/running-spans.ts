import type { Attributes } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Otel } from '../basics/otel.ts'
import type { HeldTrace } from '../buffer/held-trace.ts'
import type { TraceBuffer } from '../buffer/trace-buffer.ts'
import { createAskInspector } from './ask-inspector.ts'
import type { LocalInspector } from './local-inspector.ts'

interface RunningSpansOptions {
  readonly otel: Otel
  readonly buffer: TraceBuffer
  readonly inspector: Pick<LocalInspector, 'url'>
  /** Who the request is of, as known so far: its root gets that at its end only. */
  readonly identityOf: (request: HeldTrace['request']) => Attributes
  readonly isExported: (span: ReadableSpan) => boolean
  /** Brings an observation that runs up to date; returns a figure that grows with it. */
  readonly progress: (span: ReadableSpan) => number
  /** Whether payloads are rewritten before they leave, which happens when an observation ends. */
  readonly masked: boolean
}

const EVERY_MS = 250
const LEAST_AGE_MS = 200
const TIMEOUT_MS = 5_000
const MAX_SPANS = 500
const MAX_BYTES = 1024 * 1024
const MAX_SPAN_BYTES = 128 * 1024

/**
 * Shows the inspector what runs, from a timer, so that requests pay nothing for it, and those of a blink are left out. What has ended in
 * a request that runs is shown too: it is held until the request ends. Returns what stops it.
 */
export function showRunningSpans(options: RunningSpansOptions): () => void {
  const { otel, buffer, inspector, isExported, progress, masked, identityOf } = options
  const delivery: typeof import('@langfuse-middleware/delivery') = require('@langfuse-middleware/delivery')
  const builder = delivery.createRecordBuilder({ maxSpanBytes: MAX_SPAN_BYTES })
  const attribute = otel.langfuse.LangfuseOtelSpanAttributes
  const withoutPayload = [
    attribute.OBSERVATION_TYPE,
    attribute.OBSERVATION_LEVEL,
    attribute.OBSERVATION_MODEL,
    attribute.OBSERVATION_COMPLETION_START_TIME,
    attribute.ENVIRONMENT,
  ]
  const ask = createAskInspector(otel)
  /** What the inspector has been shown of each trace that is not decided. */
  const shown = new Map<HeldTrace, Map<ReadableSpan, number>>()
  let busy = false

  const timer = setInterval(() => {
    const hasNothing = shown.size === 0 && buffer.undecided.first === undefined
    if (busy || hasNothing || inspector.url === undefined) return
    busy = true
    show(inspector.url).finally(() => {
      busy = false
    })
  }, EVERY_MS).unref()
  return () => clearInterval(timer)

  async function show(url: string): Promise<void> {
    try {
      await forgetDecided(url)
      collect()
      const body = builder.seal()?.body
      if (body === undefined) return
      const headers = { 'content-type': 'application/x-protobuf' }
      await ask(`${url}/api/running`, { method: 'POST', headers, body, timeoutMs: TIMEOUT_MS })
    } catch {
      // A preview; what the outbox cannot send, it says.
    }
  }

  /** What was kept arrives by the outbox; of what was dropped nothing may stay behind. */
  async function forgetDecided(url: string): Promise<void> {
    for (const trace of shown.keys()) {
      if (trace.decision === 'pending') continue
      shown.delete(trace)
      const traceId = trace.root?.spanContext().traceId
      if (trace.decision === 'drop')
        await ask(`${url}/api/running/${traceId}`, { method: 'DELETE', timeoutMs: TIMEOUT_MS })
    }
  }

  function collect(): void {
    const youngest = Date.now() - LEAST_AGE_MS
    for (let trace = buffer.undecided.first; trace !== undefined; trace = trace.next) {
      if (trace.touchedAt > youngest) break
      if (trace.root === undefined) continue
      const known = shown.get(trace) ?? new Map<ReadableSpan, number>()
      shown.set(trace, known)
      for (const span of [trace.root, ...childrenOf(trace)]) {
        const state = stateOf(trace, span)
        if (known.get(span) === state || (span !== trace.root && !isExported(span))) continue
        if (builder.spans >= MAX_SPANS || builder.bytes >= MAX_BYTES) return
        known.set(span, state)
        add(trace, span)
      }
    }
  }

  /** Differs as soon as there is more to show of a span. */
  function stateOf({ root, request }: HeldTrace, span: ReadableSpan): number {
    if (span.ended) return -1
    const identity = span === root ? (request.userId?.length ?? 0) + (request.sessionId?.length ?? 0) : 0
    return progress(span) + Object.keys(span.attributes).length + identity
  }

  function add(trace: HeldTrace, span: ReadableSpan): void {
    try {
      const parent = span.parentSpanContext
      const isRoot = span === trace.root
      const view: ReadableSpan = Object.create(span, {
        name: { value: isRoot && !span.ended ? trace.request.runningName : span.name },
        ...(isRoot &&
          !span.ended && { attributes: { value: { ...span.attributes, ...identityOf(trace.request) } } }),
        parentSpanContext: { value: isRoot || !parent ? parent : buffer.exportedParent(trace, parent) },
      })
      if (masked || !builder.add(view)) builder.add(bare(view))
    } catch {
      // What cannot be encoded is not shown.
    }
  }

  function bare(span: ReadableSpan): ReadableSpan {
    const attributes: Attributes = {}
    for (const name of withoutPayload) {
      if (span.attributes[name] !== undefined) attributes[name] = span.attributes[name]
    }
    return Object.create(span, { attributes: { value: attributes } })
  }
}

function childrenOf({ children }: HeldTrace): ReadableSpan[] {
  return children === undefined ? [] : [...children.open.values(), ...children.ended]
}
