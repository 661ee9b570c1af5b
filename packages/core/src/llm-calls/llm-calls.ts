import type { AnswerContent, LlmCall, LlmWatch, UnreadReason } from '@langfuse-middleware/llm-calls'
import type { Context, Span } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Log } from '../basics/logger.ts'
import type { Otel } from '../basics/otel.ts'
import type { HeldTrace } from '../buffer/held-trace.ts'
import type { WireCalls } from '../buffer/wire-calls.ts'
import type { LlmCallsConfig, LlmCallsMode } from '../options/llm-calls-options.ts'
import { createCallWriter } from './call-attributes.ts'
import { createCallsOutside, type ObservedCall } from './calls-outside.ts'
import { createDescriptionReader, sums } from './descriptions.ts'
import { createFiller } from './filling.ts'
import { matchCalls } from './matching.ts'
import { answerOf, questionOf } from './question.ts'

/** LLM calls of this process, as observations. */
export interface LlmCalls extends WireCalls {
  /** Starts watching, if it does not already: a route may ask for what is off elsewhere. */
  start(): void
  /** True for the observation of a call that another one describes, which is not exported. */
  isDuplicate(span: ReadableSpan): boolean
  /** Resolves when the calls of a trace whose root has ended are over, or take too long; undefined if none is open. */
  settled(trace: HeldTrace): Promise<void> | undefined
  /** Brings the observation of a call that runs up to date; returns the length of its answer so far. */
  refresh(span: ReadableSpan): number
  /** Decides on calls outside of requests that have ended. */
  settleOutside(): void
  stats(): LlmCallStats
  /** Stops watching, and ends what is open. */
  stop(): void
}

/** Counters of LLM calls. */
export interface LlmCallStats {
  /** Calls seen on the wire. */
  readonly seen: number
  /** Of them, described by another observation, and not sent again. */
  readonly toldByAnother: number
  /** Calls that could not be read, or not wholly, by reason. */
  readonly unread: Readonly<Partial<Record<UnreadReason, number>>>
  /** Errors of ours. */
  readonly faults: number
}

interface LlmCallsOptions {
  readonly otel: Otel
  readonly config: LlmCallsConfig
  /** Whether media are uploaded by Langfuse's processor. */
  readonly keepsMedia: boolean
  /** The trace that a context belongs to. */
  readonly traceOf: (context: Context) => HeldTrace | undefined
  readonly isExported: (span: ReadableSpan) => boolean
  /** Brings OpenTelemetry's globals. */
  readonly settle: () => void
  readonly log: Log
}

/** Where and how a call is observed. */
interface CallSite {
  readonly context: Context
  readonly trace: HeldTrace | undefined
  readonly contents: boolean
}

/** A call's observation. */
interface Observed extends ObservedCall {
  readonly call: LlmCall<CallSite>
  content: AnswerContent | undefined
}

interface TraceCalls {
  open: number
  whenOver: (() => void) | undefined
}

// The end of a stream may reach the app a moment before it reaches us, or while a decoder still runs.
const GRACE_MS = 1_000

const REMEDIES: Readonly<Record<UnreadReason, string>> = {
  'no-request-body':
    'a request to the path of an LLM failed before its body was sent; it is not shown as an LLM call',
  'request-too-large':
    'the request of an LLM call was longer than 1 MiB; what follows is missing in its observation',
  'response-too-large':
    'the response of an LLM call was longer than 1 MiB; part of it is missing in its observation',
  'unknown-encoding':
    'an LLM call is compressed in a way that this Node.js cannot undo; its observation lacks the answer',
  'unknown-response':
    'the answer of an LLM call has an unknown form, and its observation lacks it; set llmCalls.endpoints for a dialect of its own, or llmCalls.ignore',
}

/** Creates the observer; it watches nothing before `start`. */
export function createLlmCalls(options: LlmCallsOptions): LlmCalls {
  const { otel, config, log, isExported } = options
  const { api, core, tracing } = otel
  const writer = createCallWriter(otel, options.keepsMedia)
  const describe = createDescriptionReader(otel)
  const fill = createFiller(otel)
  const traces = new WeakMap<HeldTrace, TraceCalls>()
  const open = new Map<LlmCall, Observed>()
  const bySpan = new WeakMap<ReadableSpan, Observed>()
  const duplicates = new WeakSet<ReadableSpan>()
  const outside = createCallsOutside({ describe, isExported, addDuplicate })
  let watch: LlmWatch | undefined
  let toldByAnother = 0

  /** Where a request is made; undefined if it is not to be observed. */
  function siteOf({ host, path }: { host: string; path: string }): CallSite | undefined {
    options.settle()
    const context = api.context.active()
    if (core.isTracingSuppressed(context)) return undefined
    const trace = options.traceOf(context)
    const mode: LlmCallsMode = trace?.request.llmCalls ?? config.mode
    if (mode === false || trace?.decision === 'drop' || config.ignores?.(host, path)) return undefined
    return { context, trace, contents: mode === true }
  }

  function started(call: LlmCall<CallSite>, input: unknown): void {
    const { context, trace, contents } = call.context
    const span = tracing
      .getLangfuseTracer()
      .startSpan(
        writer.nameOf(call),
        { startTime: call.startedAt, attributes: writer.atStart(call, input, contents) },
        context,
      ) as Span & ReadableSpan
    const observed: Observed = {
      call,
      span,
      content: undefined,
      type: call.type,
      parentId: span.parentSpanContext?.spanId,
      startedAt: call.startedAt,
      question: questionOf(input),
      get endedAt() {
        return call.endedAt ?? Number.POSITIVE_INFINITY
      },
      get models() {
        return [call.requestModel, this.content?.model].filter(model => model !== undefined)
      },
      get responseId() {
        return this.content?.id
      },
      get usage() {
        const { usage } = this.content ?? {}
        return usage && sums(JSON.stringify(usage))
      },
      get answer() {
        return answerOf(this.content?.output)
      },
      get failed() {
        return call.error !== undefined
      },
    }
    open.set(call, observed)
    bySpan.set(span, observed)
    if (trace === undefined) return outside.started(observed, api.trace.getSpan(context))
    const calls = traces.get(trace) ?? { open: 0, whenOver: undefined }
    traces.set(trace, calls)
    calls.open += 1
  }

  function ended(call: LlmCall<CallSite>, content: AnswerContent): void {
    const observed = open.get(call)
    if (observed === undefined) return
    open.delete(call)
    const { trace, contents } = call.context
    observed.content = content
    try {
      observed.span.setAttributes(writer.atEnd(call, content, contents))
    } finally {
      if (trace === undefined) outside.ended(observed)
      else {
        observed.span.end(call.endedAt)
        over(trace)
      }
    }
  }

  function over(trace: HeldTrace): void {
    const calls = traces.get(trace)
    if (calls === undefined) return
    calls.open -= 1
    if (calls.open === 0) calls.whenOver?.()
  }

  function resolve(trace: HeldTrace, ended: readonly ReadableSpan[]): boolean {
    const { children } = trace
    if (!traces.has(trace) || children === undefined) return false
    const calls = ended.map(span => bySpan.get(span)).filter(observed => observed !== undefined)
    const spans: ReadableSpan[] = [...children.open.values(), ...children.ended]
    const others = spans
      .filter(span => !bySpan.has(span) && isExported(span))
      .map(describe)
      .filter(description => description !== undefined)
    const parents = new Map(spans.map(span => [span.spanContext().spanId, span.parentSpanContext?.spanId]))
    for (const [{ call, span }, { other, isWhole }] of matchCalls(calls, others, id => parents.get(id))) {
      addDuplicate(span)
      if (isWhole) fill(other.span, span, call)
    }
    return true
  }

  function addDuplicate(span: ReadableSpan): void {
    if (duplicates.has(span)) return
    duplicates.add(span)
    toldByAnother += 1
  }

  function refresh(span: ReadableSpan): number {
    const { call } = bySpan.get(span) ?? {}
    if (call === undefined || call.endedAt !== undefined || !call.context.contents) return 0
    const output = writer.outputOf(call.content())
    if (output === undefined) return 0
    span.attributes[otel.langfuse.LangfuseOtelSpanAttributes.OBSERVATION_OUTPUT] = output
    return output.length
  }

  return {
    start() {
      if (watch !== undefined) return
      const {
        watchLlmCalls,
      }: typeof import('@langfuse-middleware/llm-calls') = require('@langfuse-middleware/llm-calls')
      watch = watchLlmCalls<CallSite>({
        context: siteOf,
        started,
        firstToken: call => open.get(call)?.span.setAttributes(writer.firstToken(call)),
        ended,
        unread: reason => log.warnOnce(`llm call ${reason}`, REMEDIES[reason]),
        fault: error =>
          log.warnOnce(
            'llm call failed',
            `an LLM call is not fully observed, by an error of ours: ${String(error)}`,
          ),
        endpoints: config.endpoints,
      })
    },
    has: span => bySpan.has(span),
    settled(trace) {
      const calls = traces.get(trace)
      if (calls === undefined || calls.open === 0) return undefined
      return new Promise(resolve => {
        const timer = setTimeout(resolve, GRACE_MS).unref()
        calls.whenOver = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    },
    resolve,
    isDuplicate: span => duplicates.has(span),
    endedOutside(span) {
      if (!bySpan.has(span)) outside.endedOutside(span)
    },
    refresh,
    settleOutside: outside.settle,
    stats: () => ({ seen: 0, unread: {}, faults: 0, ...watch?.stats(), toldByAnother }),
    stop() {
      watch?.stop()
      for (const call of open.keys()) ended(call as LlmCall<CallSite>, call.content())
      outside.settle()
    },
  }
}
