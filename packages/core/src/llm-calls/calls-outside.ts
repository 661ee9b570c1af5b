import type { LlmCall } from '@langfuse-middleware/llm-calls'
import type { Span } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { SpanDescription } from './descriptions.ts'
import { matchCalls, type SeenCall } from './matching.ts'

/** A call with its observation. */
export interface ObservedCall extends SeenCall {
  readonly call: LlmCall
  readonly span: Span & ReadableSpan
}

/** Calls outside of requests: nothing holds their traces, so that each waits a moment for an observation that describes it. */
export interface CallsOutside {
  /** `parent` is the observation that is active when the call begins. */
  started(call: ObservedCall, parent: Span | undefined): void
  ended(call: ObservedCall): void
  /** Takes note of an observation that ends outside of requests and is no call. */
  endedOutside(span: ReadableSpan): void
  /** Decides on all calls that have ended. */
  settle(): void
}

interface CallsOutsideOptions {
  readonly describe: (span: ReadableSpan) => SpanDescription | undefined
  readonly isExported: (span: ReadableSpan) => boolean
  /** Called for a call that another observation describes, before its own ends. */
  readonly addDuplicate: (span: ReadableSpan) => void
}

// An SDK's wrapper ends its observation once the app has read the answer.
const WAIT_MS = 500
const MAX_DESCRIPTIONS = 200

/** Creates the list. */
export function createCallsOutside({
  describe,
  isExported,
  addDuplicate,
}: CallsOutsideOptions): CallsOutside {
  const open = new Set<ObservedCall>()
  const waiting = new Map<ObservedCall, NodeJS.Timeout>()
  const descriptions: SpanDescription[] = []

  function describedBy(span: Span | undefined): SpanDescription | undefined {
    const readable = span as unknown as ReadableSpan | undefined
    return readable?.attributes === undefined || !isExported(readable) ? undefined : describe(readable)
  }

  function decide(call: ObservedCall): void {
    clearTimeout(waiting.get(call))
    waiting.delete(call)
    const match = matchCalls([call], descriptions, () => undefined).get(call)
    if (match !== undefined) {
      addDuplicate(call.span)
      // One observation describes one call.
      descriptions.splice(descriptions.indexOf(match.other), 1)
    }
    call.span.end(call.endedAt)
    if (open.size === 0 && waiting.size === 0) descriptions.length = 0
  }

  return {
    started(call, parent) {
      open.add(call)
      if (describedBy(parent)?.type === call.type) addDuplicate(call.span)
    },
    ended(call) {
      open.delete(call)
      waiting.set(call, setTimeout(() => decide(call), WAIT_MS).unref())
    },
    endedOutside(span) {
      if ((open.size === 0 && waiting.size === 0) || !isExported(span)) return
      const description = describe(span)
      if (description === undefined) return
      descriptions.push(description)
      if (descriptions.length > MAX_DESCRIPTIONS) descriptions.shift()
    },
    settle() {
      for (const call of [...waiting.keys()]) decide(call)
    },
  }
}
