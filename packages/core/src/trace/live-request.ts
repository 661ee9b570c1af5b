import type { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Context, Link, SpanContext } from '@opentelemetry/api'
import type { Linked, LinkedList } from '../basics/linked-list.ts'
import type { Log } from '../basics/logger.ts'
import { ANY_VALUE, callOption, isThenable } from '../basics/option-callback.ts'
import type { Otel } from '../basics/otel.ts'
import { figuresOf, type HeldTrace } from '../buffer/held-trace.ts'
import { bindEmitter } from '../context/emitter-binding.ts'
import { currentInvocation, type Invocation } from '../context/invocation.ts'
import { enterRequest, type Scope } from '../context/request-context.ts'
import type { RequestTrace, TracedRequest } from '../context/request-trace.ts'
import type { Score } from '../context/score.ts'
import type { TraceScores } from '../delivery/scores.ts'
import type { Outcome } from '../http/outcome.ts'
import { type HeadHook, hookHead, type ResponseHead } from '../http/response-head.ts'
import type { ReplyHeaders } from '../http/response-headers.ts'
import { llmCallsMode } from '../options/llm-calls-options.ts'
import type { RouteOptions } from '../options/request-options.ts'
import type { TracingConfig } from '../options/resolve-options.ts'
import { samplingOver } from '../options/sampling.ts'
import { withClaim, withoutClaims } from '../propagation/baggage.ts'
import type { RequestRecord } from '../request/request-record.ts'
import { type RequestStart, RequestState } from '../request/request-state.ts'
import { LiveResponse } from './live-response.ts'
import { LiveTrace } from './live-trace.ts'
import type { Pipeline, RequestCounts } from './pipeline.ts'

/** What all live requests of a process share. */
export interface LiveRequestRuntime {
  readonly otel: Otel
  readonly config: TracingConfig
  readonly pipeline: Pipeline
  readonly log: Log
  readonly counts: RequestCounts
  /** Requests that have not ended, or wait for work after their response. */
  readonly open: LinkedList<LiveRequest>
}

const ABANDONED_MS = 5_000

// A class, because one is made per request and closures cost more.
/** A request or job that is traced, from its start to its record. */
export class LiveRequest implements TracedRequest, HeadHook, Linked<LiveRequest> {
  readonly trace: RequestTrace
  readonly state: RequestState
  readonly scope: Scope & { readonly context: Context }
  list: LinkedList<LiveRequest> | undefined
  previous: LiveRequest | undefined
  next: LiveRequest | undefined
  private readonly runtime: LiveRequestRuntime
  private readonly held: HeldTrace
  /** The call of a serverless handler that waits for this. */
  private readonly invocation: Invocation | undefined = currentInvocation()
  /** Undefined for a job. */
  private readonly response: LiveResponse | undefined
  private controller: AbortController | undefined
  private abortOnDisconnect = true
  private isCutShort = false
  /** Called when the request has ended and waits for nothing more. */
  private onFinish: (() => void) | undefined
  /** Promises given to `waitUntil` that are pending. */
  private waiting = 0
  private isFinished = false
  private scores: TraceScores | undefined

  constructor(runtime: LiveRequestRuntime, start: RequestStart, route?: RouteOptions) {
    const { otel, pipeline, log } = runtime
    const { api } = otel
    const { joined, linked, traceId, asked } = start
    this.runtime = runtime
    this.state = new RequestState(start, log)
    const active = api.context.active()
    // A true root, whatever span is active: Langfuse reads a trace's name, input and output from the observation without a parent.
    this.held = pipeline.startRoot(this.state, {
      parent: joined?.parent,
      context: joined?.claimed ? withClaim(otel, api.ROOT_CONTEXT, traceId) : api.ROOT_CONTEXT,
      links: linksTo(traceId, linked?.parent, api.trace.getSpanContext(active)),
    })
    this.trace = new LiveTrace(this)
    const around = active === api.ROOT_CONTEXT ? active : withoutClaims(otel, active)
    const context = pipeline.buffer.contextFor(this.held, around)
    this.scope = {
      trace: this.trace,
      overlay: undefined,
      context: this.held.root === undefined ? context : pipeline.beside.activate(context, this.held.root),
    }
    runtime.counts.started += 1
    runtime.open.add(this)
    this.invocation?.opened()
    this.response = asked && new LiveResponse(this.state, asked, log, outcome => this.end(outcome))
    if (route) this.configure(route)
  }

  get signal(): AbortSignal {
    this.controller ??= new AbortController()
    if (this.isCutShort) this.controller.abort()
    return this.controller.signal
  }

  configure(route: RouteOptions): void {
    const { state } = this
    state.annotate(annotations => annotations.addRoute(route))
    try {
      if (route.sampling !== undefined) state.sampling = samplingOver(route.sampling, state.sampling)
    } catch (error) {
      this.runtime.log.warnOnce('configure failed', `configure() leaves sampling as it was: ${String(error)}`)
    }
    if (route.capture !== undefined) this.response?.capture(route.capture)
    if (route.llmCalls !== undefined) {
      state.llmCalls = llmCallsMode('llmCalls', route.llmCalls)
      if (state.llmCalls !== false) this.runtime.pipeline.llmCalls.start()
    }
    if (route.abortOnDisconnect !== undefined) this.abortOnDisconnect = route.abortOnDisconnect
  }

  run<T>(next: () => T): T {
    return this.runtime.pipeline.enter(this.scope, next)
  }

  enter(): (() => void) | undefined {
    return enterRequest(this.scope)
  }

  bindEmitter(emitter: EventEmitter): void {
    bindEmitter(emitter, this)
  }

  fail(error: unknown): void {
    this.state.failure ??= { error }
  }

  score(score: Score): void {
    this.scores ??= this.runtime.pipeline.scores.ofTrace(this.state.traceId)
    this.scores.add(score, this.held.decision)
    this.state.scores = this.scores.count
  }

  waitUntil<T>(promise: Promise<T>): Promise<T> {
    this.waiting += 1
    let isPending = true
    const release = () => {
      if (!isPending) return
      isPending = false
      clearTimeout(timer)
      this.waiting -= 1
      if (this.waiting === 0 && this.state.outcome !== undefined) this.finish(this.state.outcome)
    }
    const timer = setTimeout(release, this.runtime.config.waitUntilTimeoutMs).unref()
    // The rejection stays with the promise returned, which the app handles.
    Promise.resolve(promise).then(release, release)
    return promise
  }

  sends(payload: unknown, reply: ReplyHeaders): unknown {
    return this.response === undefined ? payload : this.response.sends(payload, reply)
  }

  endWith(response: ServerResponse, route: () => string | undefined): void {
    this.response?.begin(response, route)
    hookHead(response, this)
  }

  head(head: ResponseHead): void {
    this.response?.head(head)
  }

  finishedEarly(): void {
    this.response?.finishedEarly()
  }

  end(outcome: Outcome): void {
    this.conclude(outcome)
    // Not before tracing stops, as at a shutdown: the app goes on answering the request.
    if (outcome.end === 'completed' || !this.abortOnDisconnect) return
    this.isCutShort = true
    this.controller?.abort()
  }

  private conclude(outcome: Outcome): void {
    const { state, runtime, held } = this
    if (state.outcome !== undefined) return
    state.end(outcome)
    held.root?.updateName(state.name)
    held.root?.end()
    runtime.counts.ended += 1
    const settled = runtime.pipeline.llmCalls.settled(held)
    if (settled !== undefined) this.waitUntil(settled)
    if (this.waiting > 0) runtime.pipeline.buffer.wait(held, this.record(outcome, true))
    else this.finish(outcome)
    if (held.decision !== 'drop')
      runtime.pipeline.links?.ended(state.name, outcome, state.durationMs, state.traceId)
  }

  /** Resolves when a request that has ended waits for no more work; undefined for one that has not ended. */
  finished(): Promise<void> | undefined {
    if (this.state.outcome === undefined) return undefined
    return new Promise(resolve => {
      this.onFinish = resolve
    })
  }

  /** Ends the request, and its wait for work after the response, because the process stops tracing. */
  abandon(): void {
    this.waiting = 0
    if (this.state.outcome === undefined) this.conclude({ end: 'server_aborted' })
    else this.finish(this.state.outcome)
  }

  private finish(outcome: Outcome): void {
    if (this.isFinished) return
    this.isFinished = true
    const { runtime, held } = this
    runtime.open.delete(this)
    runtime.pipeline.buffer.resolveCalls(held)
    runtime.pipeline.buffer.end(held, this.record(outcome, false))
    if (held.decision !== 'pending') this.scores?.decide(held.decision)
    this.invocation?.closed()
    this.flush()
    this.closeAbandoned(outcome)
    this.onFinish?.()
  }

  private record(outcome: Outcome, provisional: boolean): RequestRecord {
    const { state, held, response, runtime } = this
    return runtime.pipeline.records.recordOf(state, outcome, {
      figures: figuresOf(held),
      response: { measured: response?.ended, captured: response?.said(state.annotations.update) },
      decided: held.decision === 'pending' ? undefined : held.decision,
      provisional,
    })
  }

  private flush(): void {
    const { config, pipeline, log } = this.runtime
    if (config.flushAfterRequest === false) return
    const flushed = pipeline.flush(config.shutdown.timeoutMs)
    const { flushAfterRequest } = config
    if (flushAfterRequest === true) return
    callOption(log, 'flushAfterRequest', ANY_VALUE, undefined, () => {
      const result: unknown = flushAfterRequest(flushed)
      // Nothing is expected of it, so a promise is as good.
      if (isThenable(result)) Promise.resolve(result).catch(() => {})
    })
  }

  /** Ends what a handler left open when it failed, such as a generation whose stream broke: nobody else is likely to. */
  private closeAbandoned({ end }: Outcome): void {
    const { held, state, runtime } = this
    const isOpen = held.children !== undefined && held.children.open.size > 0
    if (!isOpen || (state.failure === undefined && end !== 'stream_error')) return
    setTimeout(() => {
      if (this.waiting === 0) runtime.pipeline.buffer.close(held)
    }, ABANDONED_MS).unref()
  }
}

function linksTo(
  traceId: string,
  caller: SpanContext | undefined,
  active: SpanContext | undefined,
): Link[] | undefined {
  if (caller === undefined && active === undefined) return undefined
  const apart = [caller, active].filter(other => other !== undefined && other.traceId !== traceId)
  return apart.map(context => ({ context: context as SpanContext }))
}
