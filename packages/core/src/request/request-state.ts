import type { Log } from '../basics/logger.ts'
import { type Accepts, callOption } from '../basics/option-callback.ts'
import { DEFAULT_SHOWN_OF_ERRORS, type ShownOfErrors } from '../capture/error-text.ts'
import type { RequestContext } from '../context/request-context.ts'
import { type Level, levelOf, type Outcome } from '../http/outcome.ts'
import { pathOf, type RequestLike } from '../http/request-like.ts'
import { sanitiseId } from '../options/identity.ts'
import type { LlmCallsMode } from '../options/llm-calls-options.ts'
import type { RequestConfig } from '../options/request-options.ts'
import type { Sampling } from '../options/sampling.ts'
import type { IncomingTrace } from '../propagation/trace-headers.ts'
import { Annotations, MAX_TEXT, NO_ANNOTATIONS } from './annotations.ts'

/** A request and the options that apply to it. */
export interface AskedRequest {
  readonly request: RequestLike
  readonly config: RequestConfig
  readonly url: string
}

/** What is known when a request or job starts. */
export interface RequestStart {
  /** Generates a request id, if neither the app nor a header gives one. */
  readonly newRequestId: () => string
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
  /** Ids that `runWithContext` set around a job. */
  readonly around?: RequestContext | undefined
}

/** The options of an adapter that may be functions of the request. */
interface Given {
  tags: readonly string[] | undefined
  metadata: Record<string, unknown> | undefined
}

const NOTHING_GIVEN: Partial<Given> = Object.freeze({})
const LEVELS: readonly unknown[] = ['DEBUG', 'DEFAULT', 'WARNING', 'ERROR', undefined]
const A_LEVEL: Accepts<Level | undefined> = {
  what: 'DEBUG, DEFAULT, WARNING, ERROR or undefined',
  test: (value): value is Level | undefined => LEVELS.includes(value),
}
const A_LIST_OF_STRINGS: Accepts<readonly string[] | undefined> = {
  what: 'a list of strings',
  test: (value): value is readonly string[] | undefined =>
    value === undefined || (Array.isArray(value) && value.every(item => typeof item === 'string')),
}
const AN_OBJECT: Accepts<Record<string, unknown> | undefined> = {
  what: 'an object',
  test: (value): value is Record<string, unknown> | undefined =>
    value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value)),
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
  shownOfErrors: ShownOfErrors = DEFAULT_SHOWN_OF_ERRORS
  /** The route as known so far; undefined for a job. */
  routeNow: (() => string | undefined) | undefined
  private readonly log: Log
  private id: string | undefined
  private user: string | undefined
  private session: string | undefined
  private knownLevel: Level | undefined
  /** Values of options that are functions, since the end. */
  private final: Partial<Given> = NOTHING_GIVEN

  constructor(start: RequestStart, log: Log) {
    this.start = start
    this.sampling = start.sampling
    this.log = log
  }

  /** Read when first needed, because pino-http may give the request its id behind the middleware. */
  get requestId(): string {
    const { asked, newRequestId } = this.start
    this.id ??= asked?.config.identity.requestId(asked.request) ?? newRequestId()
    return this.id
  }

  get traceId(): string {
    return this.start.traceId
  }

  get userId(): string | undefined {
    if (this.user !== undefined) return this.user
    const { asked, joined, around } = this.start
    const user =
      this.annotations.userId ??
      sanitiseId('user', around?.userId, 'runWithContext', this.log) ??
      asked?.config.identity.userId(asked.request) ??
      sanitiseId('user', joined?.userId, "the caller's user id", this.log)
    // Until the end, authentication may still say otherwise than a header.
    if (this.outcome !== undefined) this.user = user
    return user
  }

  get sessionId(): string | undefined {
    if (this.session !== undefined) return this.session
    const { asked, joined, around } = this.start
    const session =
      this.annotations.sessionId ??
      sanitiseId('session', around?.sessionId, 'runWithContext', this.log) ??
      asked?.config.identity.sessionId(asked.request) ??
      sanitiseId('session', joined?.sessionId, "the caller's session id", this.log)
    if (this.outcome !== undefined) this.session = session
    return session
  }

  get tags(): readonly string[] {
    const given = this.given('tags', A_LIST_OF_STRINGS)
    if (given === undefined || given.length === 0) return this.annotations.tags
    return [...new Set([...given.map(tag => tag.slice(0, MAX_TEXT)), ...this.annotations.tags])]
  }

  /** The metadata of the adapter's options. */
  get metadata(): Record<string, unknown> | undefined {
    return this.given('metadata', AN_OBJECT)
  }

  /** The trace's name: the app's, else `METHOD route-template`, else the method alone. */
  get name(): string {
    if (this.annotations.name !== undefined) return this.annotations.name
    const { name } = this.start
    const route = this.outcome?.route
    return route === undefined ? name : `${name} ${route}`
  }

  /** The name that the trace will most likely have, for services that are called before it is final; the caller's in a joined trace. */
  get carriedName(): string | undefined {
    const { asked, joined, name } = this.start
    if (joined?.claimed) return joined.traceName
    if (this.annotations.name !== undefined) return this.annotations.name
    if (asked === undefined) return name
    const route = this.outcome === undefined ? this.routeSoFar() : this.outcome.route
    // In a middleware the route is not known, only where it is mounted.
    return route === undefined || route.endsWith('/*') ? undefined : `${name} ${route}`
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

  private routeSoFar(): string | undefined {
    try {
      return this.routeNow?.()
    } catch {
      return undefined
    }
  }

  private optionLevel(outcome: Outcome): Level | undefined {
    const { asked } = this.start
    const option = asked?.config.level
    if (option === undefined) return undefined
    return callOption(this.log, 'level', A_LEVEL, undefined, () => option(outcome, this.failure?.error))
  }

  /** An option that is a value or a function of the request. Until the end it is called anew: authentication may not have happened. */
  private given<Name extends keyof Given>(name: Name, accepts: Accepts<Given[Name]>): Given[Name] {
    const { asked } = this.start
    const option = asked?.config[name]
    if (asked === undefined || typeof option !== 'function') return option as Given[Name]
    if (name in this.final) return this.final[name] as Given[Name]
    const value = callOption<Given[Name]>(this.log, name, accepts, undefined, () => option(asked.request))
    if (this.outcome !== undefined) this.final = { ...this.final, [name]: value }
    return value
  }
}
