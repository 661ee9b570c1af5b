import type { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Attributes, Context, Span } from '@opentelemetry/api'
import { bindEmitter } from './emitter-binding.ts'
import type { HeldTrace, TraceOwner } from './held-trace.ts'
import { type Identity, sanitiseId } from './identity.ts'
import type { Log } from './logger.ts'
import { errorMessage, serialise, writeMetadata } from './observation-attributes.ts'
import type { TracingConfig } from './options.ts'
import type { Otel } from './otel.ts'
import { type Level, levelOf, type Outcome } from './outcome.ts'
import type { Pipeline } from './pipeline.ts'
import { withScope } from './request-context.ts'
import { echoRequestId } from './request-id.ts'
import type { RequestLike } from './request-like.ts'
import type { RouteOptions } from './request-options.ts'
import type { ObservationUpdate, RequestTrace } from './request-trace.ts'
import { watchResponse } from './response-watch.ts'
import { isSampled, resolveSampling, type Sampling } from './sampling.ts'
import type { RequestCounts } from './stats.ts'

/** What a request's or job's trace starts from. */
export interface LiveTraceStart {
  readonly requestId: string
  readonly traceId: string
  /** The name until the route is known. */
  readonly method: string
  readonly input: unknown
  readonly metadata: Record<string, unknown>
  readonly tags: readonly string[]
  readonly sampling: Sampling
  readonly route: RouteOptions | undefined
}

/** What every live trace of a process shares. */
export interface LiveTraceRuntime {
  readonly otel: Otel
  readonly config: TracingConfig
  readonly pipeline: Pipeline
  readonly log: Log
  readonly counts: RequestCounts
}

// A class, where closures would be the habit: one is made per request, and fifteen closures would be too.
/** The trace of one request or job that is recorded. */
export class LiveTrace implements RequestTrace, TraceOwner {
  readonly requestId: string
  readonly traceId: string
  readonly trace: RequestTrace = this
  readonly overlay = undefined
  private readonly runtime: LiveTraceRuntime
  private readonly subject: RequestLike | undefined
  private readonly who: Identity<RequestLike>
  private readonly level: ((outcome: Outcome, error: unknown) => Level | undefined) | undefined
  private readonly held: HeldTrace
  private readonly span: Span
  private readonly context: Context
  private readonly startedAt: number = performance.now()
  private readonly method: string
  private sampling: Sampling
  private name: string | undefined
  private user: string | undefined
  private session: string | undefined
  private tags: string[]
  private metadata: Record<string, unknown>
  private traceMetadata: Record<string, unknown> | undefined
  private input: unknown
  private updated: ObservationUpdate = {}
  private error: unknown
  private failed = false
  private skipped = false
  private outcome: Outcome | undefined
  private durationMs = 0
  private controller: AbortController | undefined
  private stamped: Attributes | undefined

  constructor(
    runtime: LiveTraceRuntime,
    subject: RequestLike | undefined,
    who: Identity<RequestLike>,
    level: ((outcome: Outcome, error: unknown) => Level | undefined) | undefined,
    start: LiveTraceStart,
  ) {
    const { api } = runtime.otel
    const { buffer } = runtime.pipeline
    this.runtime = runtime
    this.subject = subject
    this.who = who
    this.level = level
    this.requestId = start.requestId
    this.traceId = start.traceId
    this.method = start.method
    this.input = start.input
    this.metadata = start.metadata
    this.tags = [...start.tags]
    this.sampling = start.sampling
    this.held = buffer.open(this)
    this.span = runtime.pipeline.startRoot(
      start.method,
      start.traceId,
      buffer.contextFor(this.held, api.ROOT_CONTEXT),
    )
    this.context = api.trace.setSpan(
      buffer.contextFor(this.held, withoutClaims(runtime.otel, api.context.active())),
      this.span,
    )
    runtime.counts.started += 1
    if (start.route !== undefined) this.configure(start.route)
  }

  get userId(): string | undefined {
    if (this.user === undefined && this.subject !== undefined) this.user = this.who.userId(this.subject)
    return this.user
  }

  get sessionId(): string | undefined {
    if (this.session === undefined && this.subject !== undefined)
      this.session = this.who.sessionId(this.subject)
    return this.session
  }

  get signal(): AbortSignal {
    this.controller ??= new AbortController()
    if (this.outcome !== undefined && this.outcome.end !== 'completed') this.controller.abort()
    return this.controller.signal
  }

  setUser(userId: string): void {
    this.user = sanitiseId('user', userId, 'setUser', this.runtime.log) ?? this.user
    this.stamped = undefined
  }

  setSession(sessionId: string): void {
    this.session = sanitiseId('session', sessionId, 'setSession', this.runtime.log) ?? this.session
    this.stamped = undefined
  }

  addTags(...tags: string[]): void {
    for (const tag of tags) {
      if (typeof tag === 'string' && tag !== '' && !this.tags.includes(tag)) this.tags.push(tag.slice(0, 200))
    }
    this.stamped = undefined
  }

  setMetadata(metadata: Record<string, unknown>): void {
    if (typeof metadata !== 'object' || metadata === null) return
    this.traceMetadata = { ...this.traceMetadata, ...metadata }
    this.stamped = undefined
  }

  setName(name: string): void {
    if (typeof name === 'string' && name !== '') this.name = name.slice(0, 200)
  }

  update(update: ObservationUpdate): void {
    if (typeof update !== 'object' || update === null) return
    const { metadata } = this.updated
    this.updated = { ...this.updated, ...update }
    if (metadata !== undefined) this.updated.metadata = { ...metadata, ...update.metadata }
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
    if (this.failed) return
    this.failed = true
    this.error = error
  }

  configure(route: RouteOptions): void {
    if (route.name !== undefined) this.setName(route.name)
    if (route.tags !== undefined) this.addTags(...route.tags)
    if (route.metadata !== undefined) this.setMetadata(route.metadata)
    if (route.sampling !== undefined) this.sampling = resolveSampling(route.sampling, this.sampling)
  }

  endWith(response: ServerResponse, route: () => string | undefined): void {
    const { subject } = this
    if (subject === undefined) return
    echoRequestId(response, this.who.requestIdHeader, this.requestId)
    watchResponse(subject, response, {
      failed: () => this.failed,
      end: ({ end, statusCode, facts }) => {
        Object.assign(this.metadata, facts)
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
    if (outcome.end !== 'completed') this.controller?.abort()
  }

  abandon(): void {
    this.end({ end: 'server_aborted' })
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

  keeps({ rollUp, rootEnded, open }: HeldTrace): boolean {
    if (this.skipped) return false
    const { outcome, sampling } = this
    const failed = rollUp.errors > 0 || this.levelNow() === 'ERROR'
    const empty = rootEnded && rollUp.observations === 0 && open.size === 0
    if (empty && !failed && this.runtime.config.emptyRequests === 'drop') return false
    if (isSampled(this.traceId, sampling.rate)) return true
    if (sampling.keepErrors && failed) return true
    if (this.elapsedMs() >= sampling.keepSlowerThanMs) return true
    const end = outcome?.end ?? 'completed'
    if (sampling.keepAborted && end === 'client_aborted') return true
    try {
      return (
        sampling.keep?.({
          name: this.finalName(),
          route: outcome?.route,
          statusCode: outcome?.statusCode,
          end,
          durationMs: this.elapsedMs(),
          userId: this.userId,
          sessionId: this.sessionId,
          tags: this.tags,
          observations: rollUp.observations,
          failed,
        }) === true
      )
    } catch (error) {
      this.runtime.log.warnOnce(
        'sampling.keep threw',
        `sampling.keep threw, the trace is kept: ${String(error)}`,
      )
      return true
    }
  }

  private elapsedMs(): number {
    return this.outcome === undefined ? performance.now() - this.startedAt : this.durationMs
  }

  private finalName(): string {
    if (this.name !== undefined) return this.name
    const route = this.outcome?.route
    return route === undefined ? this.method : `${this.method} ${route}`
  }

  private levelNow(): Level {
    const { outcome } = this
    if (this.updated.level !== undefined) return this.updated.level
    if (outcome === undefined) return this.failed ? 'ERROR' : 'DEFAULT'
    try {
      const level = this.level?.(outcome, this.error)
      if (level !== undefined) return level
    } catch (error) {
      this.runtime.log.warnOnce(
        'level threw',
        `the option level threw, the default is used: ${String(error)}`,
      )
    }
    return levelOf(outcome, this.failed)
  }

  private attributes(outcome: Outcome): Attributes {
    const attribute = this.runtime.otel.langfuse.LangfuseOtelSpanAttributes
    const { updated } = this
    const { statusCode, route, end } = outcome
    const level = this.levelNow()
    const attributes: Attributes = {
      [attribute.OBSERVATION_TYPE]: 'span',
      [attribute.OBSERVATION_LEVEL]: level,
      ...this.identity(),
    }
    const input = serialise(updated.input ?? this.input)
    if (input !== undefined) attributes[attribute.OBSERVATION_INPUT] = input
    const output = serialise(
      updated.output ?? (this.subject && { statusCode, ...(end !== 'completed' && { end }) }),
    )
    if (output !== undefined) attributes[attribute.OBSERVATION_OUTPUT] = output
    const message = updated.statusMessage ?? statusMessage(outcome, level, this.failed, this.error)
    if (message !== undefined) attributes[attribute.OBSERVATION_STATUS_MESSAGE] = message
    writeMetadata(attributes, attribute.OBSERVATION_METADATA, {
      ...this.metadata,
      route,
      statusCode,
      end,
      ...(this.failed && { error: errorMessage(this.error) }),
      ...this.traceMetadata,
      ...updated.metadata,
    })
    return attributes
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

function statusMessage(
  { end, statusCode }: Outcome,
  level: Level,
  failed: boolean,
  error: unknown,
): string | undefined {
  if (level !== 'ERROR' && level !== 'WARNING') return undefined
  if (failed) return errorMessage(error)
  if (end !== 'completed') return end.replace('_', ' ')
  return statusCode === undefined ? undefined : `HTTP ${statusCode}`
}

/** A context without Langfuse's baggage: what a stranger sends there would end up on every observation. */
function withoutClaims({ api }: Otel, context: Context): Context {
  const baggage = api.propagation.getBaggage(context)
  const claims = baggage?.getAllEntries().filter(([name]) => name.startsWith('langfuse_')) ?? []
  if (baggage === undefined || claims.length === 0) return context
  return api.propagation.setBaggage(context, baggage.removeEntries(...claims.map(([name]) => name)))
}
