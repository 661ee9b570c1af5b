import type {
  Attributes,
  AttributeValue,
  Exception,
  HrTime,
  Link,
  Span,
  SpanContext,
  SpanStatus,
  TimeInput,
} from '@opentelemetry/api'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace-base'
import type { Otel } from '../basics/otel.ts'

/** What all roots of a process have in common. */
export interface RootOrigin {
  readonly otel: Otel
  readonly resource: ReadableSpan['resource']
  readonly instrumentationScope: ReadableSpan['instrumentationScope']
  readonly maxAttributes: number
}

/** What a root starts from. */
export interface RootStart {
  readonly name: string
  /** Method of the HTTP request; undefined for a job. */
  readonly method: string | undefined
  readonly own: SpanContext
  /** The caller's observation, in a trace that is joined. */
  readonly parent: SpanContext | undefined
  readonly links: Link[] | undefined
  /** By `performance.now()`. */
  readonly startedAt: number
}

const INTERNAL = 0
const UNSET: SpanStatus = Object.freeze({ code: 0 })
const NOTHING_YET: HrTime = [0, 0]
const MAX_ITEMS = 128

/**
 * The root observation of a request: a span as OpenTelemetry's SDK makes them, at a third of the price, because it knows at the start
 * what the SDK finds out (its parent, that it is recorded, its limits) and makes lists and times only when somebody asks for them.
 */
export class RootSpan implements Span, ReadableSpan {
  readonly parentSpanContext?: SpanContext
  droppedAttributesCount = 0
  readonly method: string | undefined
  name: string
  status: SpanStatus = UNSET
  ended = false
  private readonly origin: RootOrigin
  private readonly own: SpanContext
  private readonly startedAtEpochMs: number = Date.now()
  private readonly startedAtMs: number
  private endedAtMs = 0
  private givenEnd: HrTime | undefined
  private madeAttributes: Attributes | undefined
  private madeLinks: Link[] | undefined
  private madeEvents: TimedEvent[] | undefined

  constructor(origin: RootOrigin, start: RootStart) {
    this.origin = origin
    this.name = start.name
    this.method = start.method
    this.own = start.own
    this.startedAtMs = start.startedAt
    if (start.parent !== undefined) this.parentSpanContext = start.parent
    this.madeLinks = start.links
  }

  get kind(): ReadableSpan['kind'] {
    return INTERNAL
  }

  get droppedEventsCount(): number {
    return 0
  }

  get droppedLinksCount(): number {
    return 0
  }

  get attributes(): Attributes {
    this.madeAttributes ??= {}
    return this.madeAttributes
  }

  get resource(): ReadableSpan['resource'] {
    return this.origin.resource
  }

  get instrumentationScope(): ReadableSpan['instrumentationScope'] {
    return this.origin.instrumentationScope
  }

  get links(): Link[] {
    this.madeLinks ??= []
    return this.madeLinks
  }

  get events(): TimedEvent[] {
    this.madeEvents ??= []
    return this.madeEvents
  }

  get startTime(): HrTime {
    return hrTime(this.startedAtEpochMs)
  }

  get endTime(): HrTime {
    if (!this.ended) return NOTHING_YET
    return this.givenEnd ?? hrTime(this.startedAtEpochMs + this.elapsedMs)
  }

  get duration(): HrTime {
    if (!this.ended) return [-1, -1]
    if (this.givenEnd === undefined) return hrTime(this.elapsedMs)
    return this.origin.otel.core.hrTimeDuration(this.startTime, this.givenEnd)
  }

  /** Milliseconds from the start to the end, or to now. */
  get elapsedMs(): number {
    return (this.ended ? this.endedAtMs : performance.now()) - this.startedAtMs
  }

  spanContext(): SpanContext {
    return this.own
  }

  isRecording(): boolean {
    return !this.ended
  }

  setAttribute(name: string, value: AttributeValue): this {
    const { attributes, origin } = this
    if (this.ended || value === undefined || value === null || name.length === 0) return this
    if (!origin.otel.core.isAttributeValue(value)) return this
    if (!Object.hasOwn(attributes, name) && Object.keys(attributes).length >= origin.maxAttributes) {
      this.droppedAttributesCount += 1
      return this
    }
    attributes[name] = value
    return this
  }

  setAttributes(attributes: Attributes): this {
    for (const name of Object.keys(attributes)) this.setAttribute(name, attributes[name] as AttributeValue)
    return this
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    const { core } = this.origin.otel
    if (this.ended || this.events.length >= MAX_ITEMS) return this
    const isTime = core.isTimeInput(attributesOrTime)
    const at = time ?? (isTime ? attributesOrTime : undefined)
    const attributes = core.sanitizeAttributes(isTime ? undefined : attributesOrTime)
    this.events.push({ name, attributes, time: this.timeOf(at), droppedAttributesCount: 0 })
    return this
  }

  addLink(link: Link): this {
    if (this.ended || this.links.length >= MAX_ITEMS) return this
    const attributes = this.origin.otel.core.sanitizeAttributes(link.attributes)
    this.links.push({ context: link.context, attributes })
    return this
  }

  addLinks(links: Link[]): this {
    for (const link of links) this.addLink(link)
    return this
  }

  setStatus({ code, message }: SpanStatus): this {
    const { ERROR, OK, UNSET: unset } = this.origin.otel.api.SpanStatusCode
    if (this.ended || code === unset || this.status.code === OK) return this
    this.status = code === ERROR && typeof message === 'string' ? { code, message } : { code }
    return this
  }

  updateName(name: string): this {
    if (!this.ended) this.name = name
    return this
  }

  recordException(exception: Exception, time?: TimeInput): void {
    const { code, name, message, stack } =
      typeof exception === 'string' ? { message: exception } : (exception as Partial<NodeJS.ErrnoException>)
    const attributes: Attributes = {}
    if (code || name) attributes['exception.type'] = code ? String(code) : name
    if (message) attributes['exception.message'] = message
    if (stack) attributes['exception.stacktrace'] = stack
    this.addEvent('exception', attributes, time)
  }

  end(time?: TimeInput): void {
    if (this.ended) return
    this.endedAtMs = performance.now()
    if (time !== undefined) this.givenEnd = this.timeOf(time)
    this.ended = true
  }

  /** True if nobody has set an attribute. */
  get isBlank(): boolean {
    return this.madeAttributes === undefined
  }

  /** Sets attributes after the end, and takes the object over. */
  fill(attributes: Attributes | undefined): void {
    this.madeAttributes = attributes
  }

  /** Runs `work` with the span as it was before its end, for a processor that sees it start only now. */
  reopen(work: () => void): void {
    this.ended = false
    try {
      work()
    } finally {
      this.ended = true
    }
  }

  private timeOf(time: TimeInput | undefined): HrTime {
    return time === undefined
      ? hrTime(this.startedAtEpochMs + this.elapsedMs)
      : this.origin.otel.core.timeInputToHrTime(time)
  }
}

function hrTime(milliseconds: number): HrTime {
  const seconds = Math.trunc(milliseconds / 1_000)
  return [seconds, Math.floor((milliseconds - seconds * 1_000) * 1e6)]
}
