import type { Log } from '../basics/logger.ts'
import { type Level, levelOf, type Outcome } from '../http/outcome.ts'
import { pathOf, type RequestLike } from '../http/request-like.ts'
import { sanitiseId } from '../options/identity.ts'
import type { LlmCallsMode } from '../options/llm-calls-options.ts'
import type { RequestConfig } from '../options/request-options.ts'
import type { Sampling } from '../options/sampling.ts'
import type { IncomingTrace } from '../propagation/trace-headers.ts'
import { Annotations, NO_ANNOTATIONS } from './annotations.ts'

/** A request and the options that apply to it. */
export interface AskedRequest {
  readonly request: RequestLike
  readonly config: RequestConfig
  readonly url: string
  readonly tags: readonly string[] | undefined
  readonly metadata: Record<string, unknown> | undefined
}

/** What is known when a request or job starts. */
export interface RequestStart {
  readonly requestId: string
  /** 32 hex digits; the caller's if its trace is joined. */
  readonly traceId: string
  /** A request's method, which its route is added to, or the name of a job. */
  readonly name: string
  readonly sampling: Sampling
  /** Undefined for a job. */
  readonly asked?: AskedRequest | undefined
  /** The caller's trace, if this one is a part of it. */
  readonly joined?: IncomingTrace | undefined
  /** The caller's trace, if this one is apart from it. */
  readonly linked?: IncomingTrace | undefined
}

// A class, because one is made per request and closures cost more.
/** What is known of a request or job so far. It is changed by the trace, and read to decide on sampling and to make the record. */
export class RequestState {
  readonly start: RequestStart
  /** By `performance.now()`. */
  readonly startedAt: number = performance.now()
  annotations: Annotations = NO_ANNOTATIONS
  sampling: Sampling
  /** How its LLM calls are observed; undefined for as everywhere. */
  llmCalls: LlmCallsMode | undefined
  /** The first error that the app reported. */
  failure: { readonly error: unknown } | undefined
  /** Undefined until the end. */
  outcome: Outcome | undefined
  durationMs = 0
  /** Scores of the trace. */
  scores = 0
  /** True if a service that was called answered with 5xx. */
  calleeFailed = false
  private readonly log: Log
  private user: string | undefined
  private session: string | undefined
  private knownLevel: Level | undefined

  constructor(start: RequestStart, log: Log) {
    this.start = start
    this.sampling = start.sampling
    this.log = log
  }

  get requestId(): string {
    return this.start.requestId
  }

  get traceId(): string {
    return this.start.traceId
  }

  get userId(): string | undefined {
    const { asked, joined } = this.start
    this.user ??=
      this.annotations.userId ??
      asked?.config.identity.userId(asked.request) ??
      sanitiseId('user', joined?.userId, "the caller's user id", this.log)
    return this.user
  }

  get sessionId(): string | undefined {
    const { asked, joined } = this.start
    this.session ??=
      this.annotations.sessionId ??
      asked?.config.identity.sessionId(asked.request) ??
      sanitiseId('session', joined?.sessionId, "the caller's session id", this.log)
    return this.session
  }

  get tags(): readonly string[] {
    const given = this.start.asked?.tags
    if (given === undefined || given.length === 0) return this.annotations.tags
    return [...new Set([...given, ...this.annotations.tags])]
  }

  /** The trace's name: the app's, else `METHOD route-template`, else the method alone. */
  get name(): string {
    if (this.annotations.name !== undefined) return this.annotations.name
    const { name } = this.start
    const route = this.outcome?.route
    return route === undefined ? name : `${name} ${route}`
  }

  /** What a running request is called where its route is not known yet: its path may be unbounded, so it is no trace's name. */
  get runningName(): string {
    const { asked, name } = this.start
    return this.annotations.name ?? (asked === undefined ? name : `${name} ${pathOf(asked.url)}`)
  }

  get level(): Level {
    const { outcome, failure, annotations } = this
    if (annotations.update?.level !== undefined) return annotations.update.level
    if (outcome === undefined) return failure === undefined ? 'DEFAULT' : 'ERROR'
    this.knownLevel ??= this.optionLevel(outcome) ?? levelOf(outcome, failure !== undefined)
    return this.knownLevel
  }

  /** Changes the annotations. The app's values may have getters or a `toString` that throw. */
  annotate(change: (annotations: Annotations) => void): void {
    if (this.annotations === NO_ANNOTATIONS) this.annotations = new Annotations()
    try {
      change(this.annotations)
    } catch (error) {
      this.log.warnOnce('update failed', `a value set on a trace is left out: ${String(error)}`)
    }
  }

  setUser(userId: string): void {
    this.annotate(annotations => {
      annotations.userId = sanitiseId('user', userId, 'setUser', this.log) ?? annotations.userId
      this.user = undefined
    })
  }

  setSession(sessionId: string): void {
    this.annotate(annotations => {
      annotations.sessionId =
        sanitiseId('session', sessionId, 'setSession', this.log) ?? annotations.sessionId
      this.session = undefined
    })
  }

  /** Sets the outcome. Call once. */
  end(outcome: Outcome): void {
    this.outcome = outcome
    this.durationMs = performance.now() - this.startedAt
  }

  private optionLevel(outcome: Outcome): Level | undefined {
    const { asked } = this.start
    if (asked?.config.level === undefined) return undefined
    try {
      return asked.config.level(outcome, this.failure?.error)
    } catch (error) {
      this.log.warnOnce('level threw', `the option level threw, the default is used: ${String(error)}`)
      return undefined
    }
  }
}
