import type { Attributes, Context, SpanContext } from '@opentelemetry/api'
import type { ReadableSpan, Span } from '@opentelemetry/sdk-trace-base'
import type { Linked } from '../basics/linked-list.ts'
import { NOTHING_ROLLED_UP, type RollUp } from './roll-up.ts'

/** What the buffer asks of the request or job whose spans it holds. */
export interface TraceOwner {
  /** The one verdict; asked once, at the end, or early when a bound is reached. */
  keeps(trace: HeldTrace): boolean
  /** Called when the root has ended and the trace is on its way. */
  decided(): void
  /** Writes what is known of the trace on its root; for one that is kept. */
  describe(root: ReadableSpan): void
  /** What every observation of the trace carries, as known now. */
  identity(): Attributes
  /** What it is called while it runs. */
  readonly label: string
  readonly requestId: string | undefined
  readonly userId: string | undefined
  readonly sessionId: string | undefined
  /** Whether nothing that the app said is on the root, which then needs no search for media. */
  readonly plain: boolean
  /** Ends the root: the process is going away. */
  abandon(): void
}

/** One request's or job's trace on its way to a verdict. */
export interface HeldTrace extends Linked<HeldTrace> {
  readonly owner: TraceOwner
  rollUp: RollUp
  /** Whether a service that was called with this trace answered with 5xx. */
  failedElsewhere: boolean
  /** What waits for the verdict besides spans. */
  onVerdict: ((keep: boolean) => void)[] | undefined
  verdict: 'pending' | 'keep' | 'drop'
  root: Span | undefined
  /** The context of a root that the next processor has not seen, because nothing happened under it yet. */
  unseenIn: Context | undefined
  rootEnded: boolean
  /** Promises the verdict waits for besides the root. */
  waiting: number
  held: ReadableSpan[]
  bytes: number
  /** Started and not ended, by span id. */
  open: Map<string, Span>
  /** Ended spans that are not exported, and their parents, so that what was under them finds the next one up. */
  bridges: Map<string, SpanContext | undefined> | undefined
  /** Whether there were more bridges than are kept. */
  bridgesLost: boolean
  touchedAt: number
}

// Most requests have nothing under their root and share these; whatever is added goes into one of the trace's own.
export const NONE_HELD: ReadableSpan[] = []
export const NONE_OPEN: Map<string, Span> = new Map()

/** A trace with nothing in it yet. */
export function newTrace(owner: TraceOwner, verdict: HeldTrace['verdict'], touchedAt: number): HeldTrace {
  return {
    owner,
    verdict,
    touchedAt,
    rollUp: NOTHING_ROLLED_UP,
    failedElsewhere: false,
    onVerdict: undefined,
    root: undefined,
    unseenIn: undefined,
    rootEnded: false,
    waiting: 0,
    held: NONE_HELD,
    bytes: 0,
    open: NONE_OPEN,
    bridges: undefined,
    bridgesLost: false,
    list: undefined,
    previous: undefined,
    next: undefined,
  }
}

/** The trace of everything under a request that is not traced: dropped before it began. */
export const SILENT_TRACE: HeldTrace = newTrace(
  {
    keeps: () => false,
    decided() {},
    describe() {},
    identity: () => ({}),
    label: '',
    requestId: undefined,
    userId: undefined,
    sessionId: undefined,
    plain: true,
    abandon() {},
  },
  'drop',
  0,
)

/** Whether a trace id is that of `trace`; code in a request may start a trace of its own. */
export function isOf(trace: HeldTrace, traceId: string): boolean {
  return trace.root === undefined || trace.root.spanContext().traceId === traceId
}

const SPAN_OVERHEAD_BYTES = 500

/** Roughly what a held span keeps in memory. */
export function sizeOf(span: ReadableSpan): number {
  let bytes = SPAN_OVERHEAD_BYTES
  for (const name in span.attributes) {
    const value = span.attributes[name]
    bytes += typeof value === 'string' ? name.length + value.length : name.length + 16
  }
  return bytes
}
