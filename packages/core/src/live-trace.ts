import type { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Attributes, Context, Span, SpanContext } from '@opentelemetry/api'
import { withClaim, withoutClaims } from './baggage.ts'
import { bindEmitter } from './emitter-binding.ts'
import { createExchange, type Exchange, isStreamed } from './exchange.ts'
import type { HeldTrace, TraceOwner } from './held-trace.ts'
import { sanitiseId } from './identity.ts'
import type { Log } from './logger.ts'
import { writeMetadata } from './observation-attributes.ts'
import type { TracingConfig } from './options.ts'
import type { Otel } from './otel.ts'
import { type Level, levelOf, type Outcome } from './outcome.ts'
import type { Pipeline } from './pipeline.ts'
import { withScope } from './request-context.ts'
import type { RequestLike } from './request-like.ts'
import type { RequestConfig, RouteOptions } from './request-options.ts'
import type { ObservationUpdate, RequestTrace } from './request-trace.ts'
import { exposeHeaders, nameInResponse } from './response-headers.ts'
import { watchResponse } from './response-watch.ts'
import { rootAttributes } from './root-attributes.ts'
import { resolveSampling, type Sampling } from './sampling.ts'
import type { RequestCounts } from './stats.ts'
import type { IncomingTrace } from './trace-headers.ts'
import { keepsTrace } from './verdict.ts'

/** What a request's or job's trace starts from. */
export interface LiveTraceStart {
  readonly requestId: string
  /** The trace's id, unless it joins another. */
  readonly traceId: string
  /** The name, for a request until its route is known. */
  readonly name: string
  readonly input?: unknown
  readonly metadata: Record<string, unknown>
  readonly tags: readonly string[]
  readonly sampling: Sampling
  readonly route?: RouteOptions | undefined
  /** What is traced, and how; undefined for a job. */
  readonly asked?: { readonly request: RequestLike; readonly config: RequestConfig } | undefined
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
  readonly log: Log
  readonly counts: RequestCounts
}

const ABANDONED_MS = 5_000

// A class, where closures would be the habit: one is made per request, and fifteen closures would be too.
/** The trace of one request or job that is recorded. */
export class LiveTrace implements RequestTrace, TraceOwner {
  readonly requestId: string
  readonly traceId: string
  readonly trace: RequestTrace = this
  readonly overlay = undefined
  private readonly runtime: LiveTraceRuntime
  private readonly start: LiveTraceStart
  private readonly held: HeldTrace
  private readonly span: Span
  private readonly context: Context
  private readonly startedAt: number = performance.now()
  private sampling: Sampling
  private name: string | undefined
  private user: string | undefined
  private session: string | undefined
  private tags: string[]
  private traceMetadata: Record<string, unknown> | undefined
  private measured: Record<string, unknown> | undefined
  private updated: ObservationUpdate = {}
  private failure: { readonly error: unknown } | undefined
  private skipped = false
  private outcome: Outcome | undefined
  private durationMs = 0
  private controller: AbortController | undefined
  private abortOnDisconnect = true
  private response: ServerResponse | undefined
  /** What is captured and measured of bodies; undefined where nothing is. */
  private exchange: Exchange | undefined
  private stamped: Attributes | undefined

  constructor(runtime: LiveTraceRuntime, start: LiveTraceStart) {
    const { otel, pipeline } = runtime
    const { api } = otel
    const { joined, linked } = start
    this.runtime = runtime
    this.start = start
    this.requestId = start.requestId
    this.traceId = joined?.parent.traceId ?? start.traceId
    this.tags = [...start.tags]
    this.sampling = start.sampling
    this.held = pipeline.buffer.open(this)
    // A true root, whatever span is active: Langfuse reads a trace's name, input and output from the observation without a parent.
    const above = joined
      ? withClaim(otel, api.trace.setSpanContext(api.ROOT_CONTEXT, joined.parent), this.traceId)
      : api.ROOT_CONTEXT
    this.span = pipeline.startRoot(
      start.name,
      this.traceId,
      pipeline.buffer.contextFor(this.held, above),
      [linked?.parent, api.trace.getSpanContext(api.context.active())]
        .filter(context => context !== undefined && context.traceId !== this.traceId)
        .map(context => ({ context: context as SpanContext })),
    )
    const around = withoutClaims(otel, api.context.active())
    this.context = pipeline.beside.activate(pipeline.buffer.contextFor(this.held, around), this.span)
    runtime.counts.started += 1
    if (start.asked?.config.capture !== undefined) this.exchanged()?.capture(start.asked.config.capture)
    if (start.route !== undefined) this.configure(start.route)
  }

  get userId(): string | undefined {
    const { asked, joined } = this.start
    this.user ??=
      asked?.config.identity.userId(asked.request) ??
      sanitiseId('user', joined?.userId, "the caller's user id", this.runtime.log)
    return this.user
  }

  get sessionId(): string | undefined {
    const { asked, joined } = this.start
    this.session ??=
      asked?.config.identity.sessionId(asked.request) ??
      sanitiseId('session', joined?.sessionId, "the caller's session id", this.runtime.log)
    return this.session
  }

  get signal(): AbortSignal {
    this.controller ??= new AbortController()
    if (this.outcome !== undefined) this.abortAfter(this.outcome)
    return this.controller.signal
  }

  setUser(userId: string): void {
    this.change(() => {
      this.user = sanitiseId('user', userId, 'setUser', this.runtime.log) ?? this.user
    })
  }

  setSession(sessionId: string): void {
    this.change(() => {
      this.session = sanitiseId('session', sessionId, 'setSession', this.runtime.log) ?? this.session
    })
  }

  addTags(...tags: string[]): void {
    this.change(() => {
      for (const tag of tags) {
        if (typeof tag === 'string' && tag !== '' && !this.tags.includes(tag))
          this.tags.push(tag.slice(0, 200))
      }
    })
  }

  setMetadata(metadata: Record<string, unknown>): void {
    this.change(() => {
      this.traceMetadata = { ...this.traceMetadata, ...metadata }
    })
  }

  setName(name: string): void {
    if (typeof name === 'string' && name !== '') this.name = name.slice(0, 200)
  }

  update(update: ObservationUpdate): void {
    this.change(() => {
      const metadata = { ...this.updated.metadata, ...update?.metadata }
      this.updated = { ...this.updated, ...update, metadata }
    })
  }

  skip(): void {
    this.skipped = true
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
    return withScope(this, runIn, this.runtime.otel, this.context, next) as T
  }

  bind(emitter: EventEmitter): void {
    bindEmitter(emitter, (listener, self, args) => this.run(() => listener.apply(self, args)))
  }

  fail(error: unknown): void {
    this.failure ??= { error }
  }

  configure(route: RouteOptions): void {
    if (route.name !== undefined) this.setName(route.name)
    if (route.tags !== undefined) this.addTags(...route.tags)
    if (route.metadata !== undefined) this.setMetadata(route.metadata)
    if (route.sampling !== undefined) this.sampling = resolveSampling(route.sampling, this.sampling)
    if (route.capture !== undefined) this.exchanged()?.capture(route.capture)
    if (route.abortOnDisconnect !== undefined) this.abortOnDisconnect = route.abortOnDisconnect
  }

  sends(payload: unknown, header: (name: string) => unknown): unknown {
    return this.exchange === undefined ? payload : this.exchange.sends(payload, header)
  }

  endWith(response: ServerResponse, route: () => string | undefined): void {
    const { asked } = this.start
    if (asked === undefined) return
    const { identity, traceIdHeader } = asked.config
    nameInResponse(response, [
      [identity.requestIdHeader, this.requestId],
      [traceIdHeader, this.traceId],
    ])
    this.response = response
    this.exchange?.answerWith(response)
    watchResponse(asked.request, response, {
      failed: () => this.failure !== undefined,
      headers: () => {
        exposeHeaders(response, [identity.requestIdHeader, traceIdHeader])
        if (isStreamed(asked.request, response)) this.exchanged()?.stream(response)
      },
      end: ({ end, statusCode, measured }) => {
        this.measured = measured
        this.end({ end, statusCode, route: quietly(route) })
      },
    })
  }

  end(outcome: Outcome): void {
    if (this.outcome !== undefined) return
    this.outcome = outcome
    this.durationMs = performance.now() - this.startedAt
    try {
      this.span.updateName(this.finalName())
      this.span.setAttributes(this.attributes(outcome))
    } catch (error) {
      this.runtime.log.warnOnce('root failed', `a request's root is incomplete: ${String(error)}`)
    }
    this.span.end()
    this.runtime.counts.ended += 1
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
    const attribute = this.runtime.otel.langfuse.LangfuseOtelSpanAttributes
    const stamped: Attributes = {}
    if (this.userId !== undefined) stamped[attribute.TRACE_USER_ID] = this.userId
    if (this.sessionId !== undefined) stamped[attribute.TRACE_SESSION_ID] = this.sessionId
    if (this.tags.length > 0) stamped[attribute.TRACE_TAGS] = this.tags
    if (this.runtime.config.version !== undefined) stamped[attribute.VERSION] = this.runtime.config.version
    if (this.traceMetadata !== undefined) writeMetadata(stamped, attribute.TRACE_METADATA, this.traceMetadata)
    // Until the end, authentication may still put someone on the request.
    if (this.outcome !== undefined) this.stamped = stamped
    return stamped
  }

  keeps({ rollUp, rootEnded, open, failedElsewhere }: HeldTrace): boolean {
    if (this.skipped) return false
    const { outcome } = this
    const summary = {
      name: this.finalName(),
      route: outcome?.route,
      statusCode: outcome?.statusCode,
      end: outcome?.end ?? 'completed',
      durationMs: this.outcome === undefined ? performance.now() - this.startedAt : this.durationMs,
      userId: this.userId,
      sessionId: this.sessionId,
      tags: this.tags,
      observations: rollUp.observations + open.size,
      failed: rollUp.errors > 0 || failedElsewhere || this.levelNow() === 'ERROR',
    }
    const dropsEmpty = rootEnded && this.runtime.config.emptyRequests === 'drop'
    return keepsTrace(this.traceId, summary, this.sampling, dropsEmpty, this.runtime.log)
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
  private change(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.runtime.log.warnOnce('update failed', `a value set on a trace is left out: ${String(error)}`)
    }
    this.stamped = undefined
  }

  private exchanged(): Exchange | undefined {
    const { asked } = this.start
    if (asked !== undefined && this.exchange === undefined) {
      this.exchange = createExchange(asked.request, this.runtime.log)
      if (this.response !== undefined) this.exchange.answerWith(this.response)
    }
    return this.exchange
  }

  private abortAfter({ end }: Outcome): void {
    if (end !== 'completed' && this.abortOnDisconnect) this.controller?.abort()
  }

  private finalName(): string {
    if (this.name !== undefined) return this.name
    const route = this.outcome?.route
    return route === undefined ? this.start.name : `${this.start.name} ${route}`
  }

  private levelNow(): Level {
    const { outcome, failure } = this
    if (this.updated.level !== undefined) return this.updated.level
    if (outcome === undefined) return failure === undefined ? 'DEFAULT' : 'ERROR'
    try {
      const level = this.start.asked?.config.level?.(outcome, failure?.error)
      if (level !== undefined) return level
    } catch (error) {
      this.runtime.log.warnOnce(
        'level threw',
        `the option level threw, the default is used: ${String(error)}`,
      )
    }
    return levelOf(outcome, failure !== undefined)
  }

  private attributes(outcome: Outcome): Attributes {
    const { asked, input, metadata, linked } = this.start
    const { statusCode, end } = outcome
    const said = this.skipped ? undefined : this.exchange?.said(this.startedAt, this.updated)
    return {
      ...this.identity(),
      ...(this.runtime.config.llmEntry && this.start.joined === undefined && { 'gen_ai.is_entry': true }),
      ...rootAttributes(this.runtime.otel, {
        outcome,
        level: this.levelNow(),
        input: said?.input ?? input,
        output: said?.output ?? (asked && { statusCode, ...(end !== 'completed' && { end }) }),
        metadata: {
          ...said?.metadata,
          ...metadata,
          ...this.measured,
          callerTraceId: linked?.parent.traceId,
          callerSpanId: linked?.parent.spanId,
          ...this.traceMetadata,
        },
        failure: this.failure,
        updated: this.updated,
        firstTokenAt: said?.firstTokenAt,
      }),
    }
  }
}

function runIn<T>(otel: Otel, context: Context, next: () => T): T {
  return otel.api.context.with(context, next)
}

function quietly(route: () => string | undefined): string | undefined {
  try {
    return route()
  } catch {
    return undefined
  }
}
