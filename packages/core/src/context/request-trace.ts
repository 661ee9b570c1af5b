import type { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Level, Outcome } from '../http/outcome.ts'
import type { ReplyHeaders } from '../http/response-headers.ts'
import type { RouteOptions } from '../options/request-options.ts'
import type { Score } from './score.ts'

/** What `update` sets on the root observation; what is set here wins over what we record by ourselves. */
export interface ObservationUpdate {
  input?: unknown
  output?: unknown
  metadata?: Record<string, unknown>
  level?: Level
  statusMessage?: string
}

/** One request's trace, as `request.langfuse`; no method throws on tracing's account. */
export interface RequestTrace {
  /** The id that came in, or the one generated for this request. */
  readonly requestId: string
  /** 32 hex digits; undefined where the request is not traced. */
  readonly traceId: string | undefined
  readonly userId: string | undefined
  readonly sessionId: string | undefined
  /** Aborts when the request is cut short: the client left, or the server gave up. */
  readonly signal: AbortSignal

  /** Names the user, on every observation of the request, earlier ones too. */
  setUser(userId: string): void
  /** Names the session, on every observation of the request, earlier ones too. */
  setSession(sessionId: string): void
  /** Adds tags to the trace. */
  addTags(...tags: string[]): void
  /** Adds metadata to the trace and its root. */
  setMetadata(metadata: Record<string, unknown>): void
  /** Names the trace instead of `METHOD route-template`. */
  setName(name: string): void
  /** Sets input, output, metadata, level or status message of the root. */
  update(update: ObservationUpdate): void
  /** Scores the trace, if it is kept. */
  score(score: Score): void
  /** Drops the request's trace, whole. */
  skip(): void
  /** Keeps the trace open for work after the response; the promise is returned as it is. */
  waitUntil<T>(promise: Promise<T>): Promise<T>

  /** Runs `next` with this as the current request. */
  run<T>(next: () => T): T
  /** Makes the listeners of an emitter that fires outside of any context run in this one. */
  bind(emitter: EventEmitter): void
  /** Records an error that left a handler. */
  fail(error: unknown): void
  /** Takes what a route says of itself, or what only this request tells: `configure({ capture: { responseBody: true } })`. */
  configure(route: RouteOptions): void
  /** Shows what is sent before it is encoded, where the adapter sees it then; returns it, or what is to be sent in its place. */
  sends(payload: unknown, reply: ReplyHeaders): unknown
  /** Ends the request; only the first call counts. */
  end(outcome: Outcome): void
  /** Ends the request with Node's response, whatever becomes of it. */
  endWith(response: ServerResponse, route: () => string | undefined): void
}
