import type { Span as ApiSpan, Context, TracerProvider } from '@opentelemetry/api'
import type { ReadableSpan, Span } from '@opentelemetry/sdk-trace-base'
import type { Log } from '../basics/logger.ts'
import type { Otel } from '../basics/otel.ts'
import { shared } from '../basics/shared.ts'
import type { HeldTrace } from '../buffer/held-trace.ts'
import type { TraceBuffer } from '../buffer/trace-buffer.ts'
import { isSampled } from '../options/sampling.ts'
import type { PreparedIdGenerator } from '../provider/id-generator.ts'
import type { Beside } from './beside-tracer.ts'

/** Takes in the spans of another SDK. */
export interface Adoption {
  start(span: Span, parentContext: Context): void
  end(span: ReadableSpan): void
}

/** Where every `langfuseSpanProcessor()` hands its spans on to. */
export const adopting: { current: Adoption | undefined } = shared('adoption', () => ({ current: undefined }))

interface AdoptionOptions {
  readonly otel: Otel
  /** Makes the copies. */
  readonly provider: TracerProvider
  readonly ids: PreparedIdGenerator
  readonly beside: Beside
  readonly traceOf: TraceBuffer['traceOf']
  readonly rate: number
  readonly log: Log
}

// Copies that a later child may start under, even after they ended.
const MAX_REMEMBERED = 1_000

interface Copy {
  readonly span: ApiSpan
  /** Our active observation when it started. */
  readonly own: string | undefined
}

/**
 * Gives each span of another SDK a copy made by our provider, which goes the way of all observations: one verdict, identity, limits and
 * mask are ours, and the other SDK's span stays as it is.
 */
export function createAdoption(options: AdoptionOptions): Adoption {
  const { otel, provider, ids, beside, traceOf, rate, log } = options
  const { api, langfuse } = otel
  const copies = new WeakMap<ReadableSpan, Copy>()
  const copiesIn = new WeakMap<HeldTrace, Map<string, Copy>>()

  function start(span: Span, parentContext: Context): void {
    // An SDK may have the processor twice.
    if (copies.has(span)) return
    const { name, version } = span.instrumentationScope
    const { traceId, spanId } = span.spanContext()
    const isObservation = name === langfuse.LANGFUSE_TRACER_NAME
    const held = traceOf(parentContext)
    const under = isObservation ? undefined : beside.under(parentContext)
    const within = under ?? (isObservation ? undefined : withOurs(parentContext, held))
    if (within === undefined && (held === undefined ? !isSampled(traceId, rate) : !isObservation)) return
    const own = within && api.trace.getSpanContext(within)?.spanId
    const open = within && held && copiesOf(held)
    const above = open?.get(span.parentSpanContext?.spanId ?? '')
    // Nearest is the other SDK's span above it, unless an observation has begun since, which is then the active span.
    const isAbove = under === undefined ? within !== parentContext : above?.own === own
    const nearest = isAbove ? above?.span : undefined
    const context = within ?? parentContext
    const begin = () =>
      provider.getTracer(name, version).startSpan(
        span.name,
        {
          kind: span.kind,
          startTime: span.startTime,
          attributes: { ...span.attributes },
          links: [...span.links],
        },
        nearest === undefined ? context : api.trace.setSpan(context, nearest),
      )
    // An observation's ids are known to the app, which may score it; what is adopted becomes a part of another trace.
    const copy = { span: within === undefined ? ids.withIds(traceId, spanId, begin) : begin(), own }
    copies.set(span, copy)
    if (open === undefined) return
    open.set(spanId, copy)
    if (open.size <= MAX_REMEMBERED) return
    for (const [oldest] of open) return void open.delete(oldest)
  }

  /** `context` with an observation of ours active: the active span if it is one, else the root. */
  function withOurs(context: Context, held: HeldTrace | undefined): Context | undefined {
    if (held?.root === undefined) return undefined
    const isOurs = api.trace.getSpanContext(context)?.traceId === held.request.traceId
    return isOurs ? context : api.trace.setSpan(context, held.root)
  }

  function copiesOf(held: HeldTrace): Map<string, Copy> {
    let open = copiesIn.get(held)
    if (open === undefined) {
      open = new Map()
      copiesIn.set(held, open)
    }
    return open
  }

  function end(span: ReadableSpan): void {
    const copy = copies.get(span)?.span
    if (!copy?.isRecording()) return
    copy.updateName(span.name)
    copy.setAttributes(span.attributes)
    copy.setStatus(span.status)
    for (const { name, attributes, time } of span.events) copy.addEvent(name, attributes, time)
    copy.end(span.endTime)
  }

  function guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      log.warnOnce(
        'adoption failed',
        `a span of another tracer was lost to an internal error: ${String(error)}`,
      )
    }
  }

  return {
    start: (span, parentContext) => guard(() => start(span, parentContext)),
    end: span => guard(() => end(span)),
  }
}
