import type { Attributes, Context } from '@opentelemetry/api'
import type { Linked } from '../basics/linked-list.ts'
import type { RequestRecord } from '../request/request-record.ts'
import type { RequestState } from '../request/request-state.ts'
import type { TraceFigures } from '../request/sampling-decision.ts'
import type { RootSpan } from './root-span.ts'
import { TraceChildren } from './trace-children.ts'

// OBSERVATION_LEVEL of Langfuse's SDK, which this room does not load.
const LEVEL = 'langfuse.observation.level'
const NO_FIGURES: TraceFigures = Object.freeze({ observations: 0, errors: 0 })
const ONE_ERROR: TraceFigures = Object.freeze({ observations: 0, errors: 1 })

/** The trace of one request or job, from its start until its sampling decision and the end of its last observation. */
export interface HeldTrace extends Linked<HeldTrace> {
  readonly request: RequestState
  /** Undefined for the silent trace alone. */
  readonly root: RootSpan | undefined
  /** By the buffer's clock: the start, then the decision. Written by trace-decisions.ts, as is `decision`. */
  touchedAt: number
  decision: 'pending' | 'keep' | 'drop'
  /** The request's record, since its root has ended. Written by trace-decisions.ts. */
  record: RequestRecord | undefined
  /** Attributes of every observation, once they are final. Written by trace-release.ts. */
  identity: Attributes | undefined
  /** The context to show the root to the next processor in; undefined once it was shown. Written by trace-release.ts, as is `isRootSent`. */
  unseenIn: Context | undefined
  isRootSent: boolean
  /** The spans under the root; undefined until the first starts. Written here. */
  children: TraceChildren | undefined
}

/** Creates the trace of a request that starts. `startedIn` is the context to show its root in. */
export function createHeldTrace(
  request: RequestState,
  root: RootSpan | undefined,
  startedIn: Context | undefined,
  touchedAt: number,
): HeldTrace {
  return {
    request,
    root,
    touchedAt,
    decision: root === undefined ? 'drop' : 'pending',
    record: undefined,
    identity: undefined,
    unseenIn: startedIn,
    isRootSent: false,
    children: undefined,
    list: undefined,
    previous: undefined,
    next: undefined,
  }
}

/** Whether a span of trace `traceId` belongs to `trace`: code in a request may start a trace of its own. */
export function isOf(trace: HeldTrace, traceId: string): boolean {
  return trace.root === undefined || trace.request.traceId === traceId
}

/** The children of a trace, created with the first. */
export function childrenOf(trace: HeldTrace): TraceChildren {
  trace.children ??= new TraceChildren()
  return trace.children
}

/** What sampling looks at: observations that have ended or are open, and errors, of the root too if the app raised its level by Langfuse's SDK. */
export function figuresOf({ children, root }: HeldTrace): TraceFigures {
  const isRaised = root !== undefined && !root.isBlank && root.attributes[LEVEL] === 'ERROR'
  if (children === undefined) return isRaised ? ONE_ERROR : NO_FIGURES
  const { rollUp, open } = children
  return { observations: rollUp.observations + open.size, errors: rollUp.errors + (isRaised ? 1 : 0) }
}
