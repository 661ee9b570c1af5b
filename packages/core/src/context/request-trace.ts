import type { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Level, Outcome } from '../http/outcome.ts'
import type { ReplyHeaders } from '../http/response-headers.ts'
import type { RouteOptions } from '../options/request-options.ts'
import type { Score } from './score.ts'

/** What `update` sets on the root observation, in place of what is recorded automatically. */
export interface ObservationUpdate {
  input?: unknown
  output?: unknown
  metadata?: Record<string, unknown>
  level?: Level
  statusMessage?: string
}

/** The trace of one request, as `request.langfuse` and `currentRequest()`. No method throws because of tracing. */
export interface RequestTrace {
  /** The id that came with the request, or the one generated for it. */
  readonly requestId: string
  /** 32 hex digits; undefined if the request is not traced. */
  readonly traceId: string | undefined
  readonly userId: string | undefined
  readonly sessionId: string | undefined
  /**
   * Aborts when the request is cut short: the client left, or the server gave up.
   *
   * @example await openai.chat.completions.create({ … }, { signal: request.langfuse.signal })
   */
  readonly signal: AbortSignal

  /** Sets the user on every observation of the request, earlier ones included. */
  setUser(userId: string): void
  /** Sets the session on every observation of the request, earlier ones included. */
  setSession(sessionId: string): void
  /** Adds tags to the trace. */
  addTags(...tags: string[]): void
  /** Adds metadata to the trace and its root. */
  setMetadata(metadata: Record<string, unknown>): void
  /** Makes the trace public in Langfuse: everyone who has its link can see it. */
  setPublic(): void
  /** Sets the trace's name, which is `METHOD route-template` otherwise. */
  setName(name: string): void
  /** Sets input, output, metadata, level or status message of the root. */
  update(update: ObservationUpdate): void
  /** Scores the trace, if it is kept. */
  score(score: Score): void
  /** Drops the whole trace of the request. */
  skip(): void
  /**
   * Keeps the trace open for work after the response, for at most `waitUntilTimeoutMs`. Returns the promise unchanged.
   *
   * @example request.langfuse.waitUntil(updateIndex())
   */
  waitUntil<T>(promise: Promise<T>): Promise<T>
  /** Sets what a route's options can set, for this request: `configure({ capture: { responseBody: true } })`. */
  configure(route: RouteOptions): void
  /**
   * Runs `fn` in the context of the request, for code that has lost it, such as the message handler of a WebSocket.
   *
   * @example socket.on('message', data => request.langfuse.run(() => answer(data)))
   */
  run<T>(fn: () => T): T
  /**
   * Returns a function that runs `fn` in the context of the request, for a callback that is called from elsewhere, such as a queue's job.
   *
   * @example await queue.add(request.langfuse.bind(() => embed(document)))
   */
  bind<F extends (...args: never[]) => unknown>(fn: F): F
}

/** One request as its adapter sees it; users get its `trace`. No method throws because of tracing. */
export interface TracedRequest {
  readonly trace: RequestTrace
  /** Runs `next` with this as the current request. */
  run<T>(next: () => T): T
  /** Makes this the current request from here on. Returns a function that restores the one before; undefined if it was current already. */
  enter(): (() => void) | undefined
  /** Runs the listeners of an emitter in the context of the request. Node emits in that of the socket. */
  bindEmitter(emitter: EventEmitter): void
  /** Records an error that left a handler. Only the first counts. */
  fail(error: unknown): void
  /** Observes a payload before it is serialised. Returns it, or what to send in its place. */
  sends(payload: unknown, reply: ReplyHeaders): unknown
  /** Ends the request, for frameworks of the Fetch kind. Only the first call counts. */
  end(outcome: Outcome): void
  /** Ends the request with Node's response, however that ends. */
  endWith(response: ServerResponse, route: () => string | undefined): void
}
