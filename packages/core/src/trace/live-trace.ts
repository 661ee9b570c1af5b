import type { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Attributes, Context, Link, Span, SpanContext } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Log } from '../basics/logger.ts'
import type { Otel } from '../basics/otel.ts'
import type { HeldTrace, TraceOwner } from '../buffer/held-trace.ts'
import { bindEmitter } from '../context/emitter-binding.ts'
import type { ObservationUpdate, RequestTrace } from '../context/request-trace.ts'
import type { Score } from '../context/score.ts'
import { writeMetadata } from '../export/observation-attributes.ts'
import { type Level, levelOf, type Outcome } from '../http/outcome.ts'
import { pathOf, queryKeysOf } from '../http/request-like.ts'
import { type HeadHook, hookHead, type ResponseHead } from '../http/response-head.ts'
import type { ReplyHeaders } from '../http/response-headers.ts'
import { sanitiseId } from '../options/identity.ts'
import type { RouteOptions } from '../options/request-options.ts'
import type { TracingConfig } from '../options/resolve-options.ts'
import { resolveSampling, type Sampling, type TraceSummary } from '../options/sampling.ts'
import { withClaim, withoutClaims } from '../propagation/baggage.ts'
import type { IncomingTrace } from '../propagation/trace-headers.ts'
import { Annotations } from './annotations.ts'
import { type AskedRequest, LiveResponse, type ResponseOwner } from './live-response.ts'
import type { Pipeline, RequestCounts } from './pipeline.ts'
import type { RootWriter } from './root-attributes.ts'
import { keepsTrace } from './verdict.ts'

/** What a request's or job's trace starts from. */
export interface LiveTraceStart {
  readonly requestId: string
  /** The trace's id, also of one that is joined. */
  readonly traceId: string
  /** The name, for a request until its route is known. */
  readonly name: string
  readonly sampling: Sampling
  readonly route?: RouteOptions | undefined
  /** What is traced, and how; undefined for a job. */
  readonly asked?: AskedRequest | undefined
  /** The caller's trace that this one is a part of. */
  readonly joined?: IncomingTrace | undefined
  /** The caller's trace that this one is not a part of. */
  readonly linked?: IncomingTrace | undefined
}

/** What every live trace of a process shares. */
export interface LiveTraceRuntime {
  readonly otel: Otel
  readonly config: TracingConfig
  readonly pipeline: Pipeline
  readonly writeRoot: RootWriter
  readonly log: Log
  readonly counts: RequestCounts
}

const ABANDONED_MS = 5_000
const MAX_USER_AGENT = 500
const NOTHING_SAID: Annotations = Object.freeze(new Annotations())

// A class, where closures would be the habit: one is made per request, and fifteen closures would be too.
/** The trace of one request or job that is recorded. */
export class LiveTrace implements RequestTrace, TraceOwner, HeadHook, ResponseOwner {
  readonly requestId: string
  readonly traceId: string
  readonly trace: RequestTrace = this
  readonly overlay = undefined
  readonly context: Context
  private readonly runtime: LiveTraceRuntime
  private readonly start: LiveTraceStart
  private readonly held: HeldTrace
  private readonly span: Span
  /** The response to a request; a job has none. */
  private readonly response: LiveResponse | undefined
  readonly startedAt: number = performance.now()
  private sampling: Sampling
  private said: Annotations = NOTHING_SAID
  private user: string | undefined
  private session: string | undefined
  private failure: { readonly error: unknown } | undefined
  private outcome: Outcome | undefined
  private level: Level | undefined
  private durationMs = 0
  private controller: AbortController | undefined
  private abortOnDisconnect = true
  private stamped: Attributes | undefined

  constructor(runtime: LiveTraceRuntime, start: LiveTraceStart) {
    const { otel, pipeline } = runtime
    const { api } = otel
    const { joined, linked, traceId } = start
    this.runtime = runtime
    this.start = start
    this.requestId = start.requestId
    this.traceId = traceId
    this.sampling = start.sampling
    this.held = pipeline.buffer.open(this)
    const active = api.context.active()
    // A true root, whatever span is active: Langfuse reads a trace's name, input and output from the observation without a parent.
    this.span = pipeline.startRoot(this.held, start.name, traceId, {
      parent: joined?.parent,
      context: joined ? withClaim(otel, api.ROOT_CONTEXT, traceId) : api.ROOT_CONTEXT,
      links: linksTo(traceId, linked?.parent, api.trace.getSpanContext(active)),
      startedAt: this.startedAt,
    })
    const around = active === api.ROOT_CONTEXT ? active : withoutClaims(otel, active)
    this.context = pipeline.beside.activate(pipeline.buffer.contextFor(this.held, around), this.span)
    runtime.counts.started += 1
    this.response = start.asked && new LiveResponse(this, start.asked, runtime.log)
    if (start.route !== undefined) this.configure(start.route)
  }

  get userId(): string | undefined {
    const { asked, joined } = this.start
    this.user ??=
      this.said.userId ??
      asked?.config.identity.userId(asked.request) ??
      sanitiseId('user', joined?.userId, "the caller's user id", this.runtime.log)
    return this.user
  }

  get sessionId(): string | undefined {
    const { asked, joined } = this.start
    this.session ??=
      this.said.sessionId ??
      asked?.config.identity.sessionId(asked.request) ??
      sanitiseId('session', joined?.sessionId, "the caller's session id", this.runtime.log)
    return this.session
  }

  get label(): string {
    const { asked, name } = this.start
    return this.said.name ?? (asked === undefined ? name : `${name} ${pathOf(asked.url)}`)
  }

  get signal(): AbortSignal {
    this.controller ??= new AbortController()
    if (this.outcome !== undefined) this.abortAfter(this.outcome)
    return this.controller.signal
  }

  /** Whether the app reported an error. */
  get failed(): boolean {
    return this.failure !== undefined
  }

  get plain(): boolean {
    const { said, response, start } = this
    return !said.metadata && !said.update && !response?.isExchanged && !start.asked?.metadata
  }

  setUser(userId: string): void {
    this.say(said => {
      said.userId = sanitiseId('user', userId, 'setUser', this.runtime.log) ?? said.userId
      this.user = undefined
    })
  }

  setSession(sessionId: string): void {
    this.say(said => {
      said.sessionId = sanitiseId('session', sessionId, 'setSession', this.runtime.log) ?? said.sessionId
      this.session = undefined
    })
  }

  addTags(...tags: string[]): void {
    this.say(said => said.addTags(tags))
  }

  setMetadata(metadata: Record<string, unknown>): void {
    this.say(said => said.addMetadata(metadata))
  }

  setName(name: string): void {
    this.say(said => said.setName(name))
  }

  update(update: ObservationUpdate): void {
    this.say(said => said.addUpdate(update))
  }

  score(score: Score): void {
    this.runtime.pipeline.scores.addTo(this.held, this.traceId, score)
  }

  skip(): void {
    this.say(said => {
      said.skipped = true
    })
  }

  configure(route: RouteOptions): void {
    this.say(said => said.addRoute(route))
    if (route.sampling !== undefined) this.sampling = resolveSampling(route.sampling, this.sampling)
    if (route.capture !== undefined) this.response?.capture(route.capture)
    if (route.abortOnDisconnect !== undefined) this.abortOnDisconnect = route.abortOnDisconnect
  }

  fail(error: unknown): void {
    this.failure ??= { error }
  }

  waitUntil<T>(promise: Promise<T>): Promise<T> {
    const { buffer } = this.runtime.pipeline
    buffer.wait(this.held)
    let waiting = true
    const release = () => {
      if (!waiting) return
      waiting = false
      clearTimeout(timer)
      buffer.release(this.held)
    }
    const timer = setTimeout(release, this.runtime.config.waitUntilTimeoutMs).unref()
    // The rejection stays with the promise handed back, which is the app's to handle.
    Promise.resolve(promise).then(release, release)
    return promise
  }

  run<T>(next: () => T): T {
    return this.runtime.pipeline.enter(this, next)
  }

  bind(emitter: EventEmitter): void {
    bindEmitter(emitter, this)
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

  end(outcome: Outcome): void {
    if (this.outcome !== undefined) return
    this.outcome = outcome
    this.durationMs = performance.now() - this.startedAt
    this.span.updateName(this.finalName())
    this.span.end()
    this.runtime.counts.ended += 1
    if (this.held.verdict !== 'drop')
      this.runtime.pipeline.links?.ended(this.finalName(), outcome, this.durationMs, this.traceId)
    this.closeAbandoned()
    this.abortAfter(outcome)
  }

  abandon(): void {
    this.end({ end: 'server_aborted' })
  }

  decided(): void {
    const { config, pipeline, log } = this.runtime
    if (config.flushAfterRequest === false) return
    const flushed = pipeline.flush(config.shutdown.timeoutMs)
    if (config.flushAfterRequest === true) return
    try {
      config.flushAfterRequest(flushed)
    } catch (error) {
      log.warnOnce('flushAfterRequest threw', `the option flushAfterRequest threw: ${String(error)}`)
    }
  }

  identity(): Attributes {
    if (this.stamped !== undefined) return this.stamped
    const { config, otel } = this.runtime
    const attribute = otel.langfuse.LangfuseOtelSpanAttributes
    const { userId, sessionId, tags } = this
    const { metadata } = this.said
    const stamped: Attributes = {}
    if (userId !== undefined) stamped[attribute.TRACE_USER_ID] = userId
    if (sessionId !== undefined) stamped[attribute.TRACE_SESSION_ID] = sessionId
    if (tags.length > 0) stamped[attribute.TRACE_TAGS] = [...tags]
    if (config.version !== undefined) stamped[attribute.VERSION] = config.version
    if (metadata !== undefined) writeMetadata(stamped, attribute.TRACE_METADATA, metadata)
    // Until the end, authentication may still put someone on the request.
    if (this.outcome !== undefined) this.stamped = stamped
    return stamped
  }

  /** Writes what is known of the request on its root; only for one that is kept. */
  describe({ attributes }: ReadableSpan): void {
    const { runtime, start, outcome, said } = this
    const { asked, joined, linked } = start
    if (outcome === undefined) return
    try {
      if (runtime.config.llmEntry && joined === undefined) attributes['gen_ai.is_entry'] = true
      const exchanged = this.response?.said(said.update)
      runtime.writeRoot(attributes, {
        outcome,
        level: this.levelNow(),
        input: exchanged?.input ?? (asked && inputOf(start.name, asked.url)),
        output: exchanged?.output ?? (asked && outputOf(outcome)),
        exchanged,
        requestId: asked && this.requestId,
        userAgent: asked?.request.headers['user-agent']?.slice(0, MAX_USER_AGENT),
        measured: this.response?.ended,
        caller: linked?.parent,
        failure: this.failure,
        described: asked?.metadata,
        said,
      })
    } catch (error) {
      runtime.log.warnOnce('root failed', `a request's root is incomplete: ${String(error)}`)
    }
  }

  keeps(held: HeldTrace): boolean {
    if (this.said.skipped) return false
    const dropsEmpty = held.rootEnded && this.runtime.config.emptyRequests === 'drop'
    return keepsTrace(this.traceId, this.sampling, dropsEmpty, () => this.summary(held), this.runtime.log)
  }

  private summary({ rollUp, open, failedElsewhere, onVerdict }: HeldTrace): TraceSummary {
    const { outcome } = this
    return {
      name: this.finalName(),
      route: outcome?.route,
      statusCode: outcome?.statusCode,
      end: outcome?.end ?? 'completed',
      durationMs: outcome === undefined ? performance.now() - this.startedAt : this.durationMs,
      userId: this.userId,
      sessionId: this.sessionId,
      tags: this.tags,
      observations: rollUp.observations + open.size,
      scores: onVerdict?.length ?? 0,
      failed: rollUp.errors > 0 || failedElsewhere || this.levelNow() === 'ERROR',
    }
  }

  private get tags(): readonly string[] {
    const given = this.start.asked?.tags
    if (given === undefined || given.length === 0) return this.said.tags
    return [...new Set([...given, ...this.said.tags])]
  }

  /** What a handler left open when it threw, such as a generation whose stream broke, will hardly be ended by anyone. */
  private closeAbandoned(): void {
    const { held, failure, outcome } = this
    if (held.open.size === 0 || (failure === undefined && outcome?.end !== 'stream_error')) return
    setTimeout(() => {
      if (held.waiting === 0) this.runtime.pipeline.buffer.close(held)
    }, ABANDONED_MS).unref()
  }

  /** Takes what the app says, whose getters and `toString` are its own and may throw. */
  private say(work: (said: Annotations) => void): void {
    if (this.said === NOTHING_SAID) this.said = new Annotations()
    try {
      work(this.said)
    } catch (error) {
      this.runtime.log.warnOnce('update failed', `a value set on a trace is left out: ${String(error)}`)
    }
    this.stamped = undefined
  }

  private abortAfter({ end }: Outcome): void {
    if (end !== 'completed' && this.abortOnDisconnect) this.controller?.abort()
  }

  private finalName(): string {
    if (this.said.name !== undefined) return this.said.name
    const route = this.outcome?.route
    return route === undefined ? this.start.name : `${this.start.name} ${route}`
  }

  private levelNow(): Level {
    const { outcome, failure, said } = this
    if (said.update?.level !== undefined) return said.update.level
    if (outcome === undefined) return failure === undefined ? 'DEFAULT' : 'ERROR'
    this.level ??= this.levelChosen(outcome) ?? levelOf(outcome, failure !== undefined)
    return this.level
  }

  private levelChosen(outcome: Outcome): Level | undefined {
    const { asked } = this.start
    if (asked?.config.level === undefined) return undefined
    try {
      return asked.config.level(outcome, this.failure?.error)
    } catch (error) {
      this.runtime.log.warnOnce(
        'level threw',
        `the option level threw, the default is used: ${String(error)}`,
      )
      return undefined
    }
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

function inputOf(method: string, url: string): string {
  const query = queryKeysOf(url)
  const keys = query.length === 0 ? '' : `,"query":${JSON.stringify(query)}`
  return `{"method":${JSON.stringify(method)},"path":${JSON.stringify(pathOf(url))}${keys}}`
}

function outputOf({ statusCode, end }: Outcome): string {
  if (end === 'completed' && statusCode !== undefined) return `{"statusCode":${statusCode}}`
  return JSON.stringify({ statusCode, ...(end !== 'completed' && { end }) })
}
