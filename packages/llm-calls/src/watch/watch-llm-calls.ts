import type { AnswerContent } from '../answer/answer.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { DIALECT_NAMES, DIALECTS } from '../dialects/dialects.ts'
import { createExchange, type ExchangeEvents } from './exchange.ts'
import { createFailedAttempts } from './failed-attempts.ts'
import { watchHttp } from './http-requests.ts'
import type { LlmCall } from './llm-call.ts'
import type { OutgoingRequest, RequestObserver } from './outgoing-request.ts'
import type { UnreadReason } from './request-body.ts'
import { watchUndici } from './undici-requests.ts'

/** A path of one's own that speaks a dialect. */
export interface Endpoint {
  /** The end of the path, such as `/llm/answer`, or an expression for it; a query is no part of it. */
  readonly path: string | RegExp
  /** The name of a dialect, or one of your own. */
  readonly dialect: string | Dialect
}

/** Hooks and bounds of `watchLlmCalls`. */
export interface WatchOptions<Context> {
  /**
   * Called when the app makes a request to the path of an LLM, in the async context of the app. What it returns is `call.context`;
   * `undefined` leaves the request alone.
   */
  context?(request: { readonly host: string; readonly path: string }): Context | undefined
  /** A call has begun; `input` is what it asks, given once so that nobody has to keep it. */
  started?(call: LlmCall<Context>, input: unknown): void
  /** The first token of a stream has arrived. */
  firstToken?(call: LlmCall<Context>): void
  /** A call has ended, however: see `call.end` and `call.error`. */
  ended?(call: LlmCall<Context>, content: AnswerContent): void
  /** A call could not be read, or not wholly. */
  unread?(reason: UnreadReason): void
  /** Something inside failed; the app's call goes on. */
  fault?(error: unknown): void
  /** Paths besides the known ones. */
  endpoints?: readonly Endpoint[]
  /** Kept of a request, and of an answer, in bytes. @default 1 MiB */
  maxBytes?: number
}

/** Counters of a watch. */
export interface WatchStats {
  /** Calls that were recognised. */
  readonly seen: number
  /** Calls that could not be read, or not wholly, by reason. */
  readonly unread: Readonly<Partial<Record<UnreadReason, number>>>
  /** Errors inside. */
  readonly faults: number
}

/** A running watch. */
export interface LlmWatch {
  stats(): WatchStats
  stop(): void
}

const DEFAULT_MAX_BYTES = 1024 * 1024

/**
 * Watches the LLM calls of this process: of any SDK, of fetch, undici and node:http, in any import order. It only reads along: no byte,
 * header or timing of a call changes.
 * @throws TypeError if an endpoint names a dialect that does not exist.
 * @example
 * const watch = watchLlmCalls({ ended: (call, { model, usage }) => console.log(call.operation, model, usage) })
 */
export function watchLlmCalls<Context = undefined>(options: WatchOptions<Context>): LlmWatch {
  const { maxBytes = DEFAULT_MAX_BYTES } = options
  const dialects = [...(options.endpoints ?? []).map(dialectAt), ...DIALECTS]
  const failedAttempts = createFailedAttempts()
  const unread: Partial<Record<UnreadReason, number>> = {}
  let seen = 0
  let faults = 0

  const events: ExchangeEvents<Context> = {
    started(call, input) {
      seen += 1
      options.started?.(call, input)
    },
    firstToken: call => options.firstToken?.(call),
    ended: (call, content) => options.ended?.(call, content),
    unread(reason) {
      unread[reason] = (unread[reason] ?? 0) + 1
      options.unread?.(reason)
    },
  }

  function observe(request: OutgoingRequest): RequestObserver | undefined {
    if (request.method !== 'POST') return undefined
    const query = request.path.indexOf('?')
    const pathname = query === -1 ? request.path : request.path.slice(0, query)
    const fitting = dialects.filter(({ path }) => path.test(pathname))
    if (fitting.length === 0) return undefined
    const context = options.context?.({ host: request.host(), path: pathname })
    if (context === undefined && options.context !== undefined) return undefined
    return guarded(
      createExchange({
        request,
        context: context as Context,
        dialects: fitting,
        maxBytes,
        failedAttempts,
        guard,
        events,
      }),
    )
  }

  function guard<Arguments extends unknown[], Result>(
    work: (...args: Arguments) => Result,
  ): (...args: Arguments) => Result | undefined {
    return (...args) => {
      try {
        return work(...args)
      } catch (error) {
        faults += 1
        try {
          options.fault?.(error)
        } catch {
          // A broken hook must not reach the app's call.
        }
        return undefined
      }
    }
  }

  function guarded(observer: RequestObserver): RequestObserver {
    return {
      requestChunk: guard(observer.requestChunk),
      requestEnd: guard(observer.requestEnd),
      responseHead: guard(observer.responseHead),
      responseChunk: guard(observer.responseChunk),
      end: guard(observer.end),
    }
  }

  const stops = [watchUndici(guard(observe)), watchHttp(guard(observe))]
  return {
    stats: () => ({ seen, unread: { ...unread }, faults }),
    stop() {
      for (const stop of stops) stop()
    },
  }
}

function dialectAt({ path, dialect }: Endpoint): Dialect {
  const known = typeof dialect === 'string' ? DIALECTS.find(({ name }) => name === dialect) : dialect
  if (known === undefined) {
    throw new TypeError(
      `no dialect is named ${JSON.stringify(dialect)}; there are ${DIALECT_NAMES.join(', ')}`,
    )
  }
  const escaped = typeof path === 'string' ? path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : path
  return { ...known, path: typeof escaped === 'string' ? new RegExp(`${escaped}$`) : escaped }
}
