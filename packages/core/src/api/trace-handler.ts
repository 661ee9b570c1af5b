import type { ServerResponse } from 'node:http'
import { settlesWithin } from '../basics/deadline.ts'
import { createInvocation, type Invocation, withInvocation } from '../context/invocation.ts'
import { delayEnd } from '../http/delayed-end.ts'
import { finishEarly } from '../http/response-head.ts'
import { runningTracing } from '../start/tracing.ts'

type Handler = (...args: never[]) => unknown

/** Options of `traceHandler`. */
export interface TraceHandlerOptions {
  /**
   * Longest time in ms that a result is held back while its traces are sent. On AWS Lambda it is also limited by the time that is left to
   * the invocation.
   *
   * @default the option `shutdown.timeoutMs`, 5000
   */
  timeoutMs?: number
}

/** What is left to an AWS Lambda for its answer, in ms, after the delivery. */
const RESERVE_MS = 200

/**
 * Wraps a serverless handler so that the traces of an invocation are complete and sent before its result: a promise, a callback, or the end
 * of an HTTP response. The platform freezes the process at that moment. Results and errors are passed on unchanged.
 *
 * @example export const handler = traceHandler(serverlessExpress({ app }))
 */
export function traceHandler<H extends Handler>(handler: H, options: TraceHandlerOptions = {}): H {
  function langfuseHandler(this: unknown, ...args: unknown[]): unknown {
    const invocation = createInvocation()
    const deliver = () => delivered(invocation, timeoutOf(args, options))
    const [, response] = args
    const call = () => Reflect.apply(handler, this, withCallback(args, deliver))
    if (isResponse(response)) {
      delayEnd(response, () => {
        finishEarly(response)
        return deliver()
      })
      return withInvocation(invocation, call)
    }
    return settled(() => withInvocation(invocation, call), deliver)
  }
  // Platforms tell handlers with a callback from others by their number of parameters.
  return Object.defineProperty(langfuseHandler, 'length', { value: handler.length }) as unknown as H
}

/** Passes on what `call` returns; a promise, and what it throws, after `deliver`. */
function settled(call: () => unknown, deliver: () => Promise<void>): unknown {
  let result: unknown
  try {
    result = call()
  } catch (error) {
    return deliver().then(() => Promise.reject(error))
  }
  if (!isThenable(result)) return result
  return Promise.resolve(result).finally(deliver)
}

/** The arguments, with a callback in the last place that is called after `deliver`. */
function withCallback(args: readonly unknown[], deliver: () => Promise<void>): unknown[] {
  const callback = args.at(-1)
  if (typeof callback !== 'function') return [...args]
  return [...args.slice(0, -1), (...result: unknown[]) => void deliver().then(() => callback(...result))]
}

/** Waits for the requests of `invocation`, then for the delivery. Never rejects. */
async function delivered(invocation: Invocation, timeoutMs: number | undefined): Promise<void> {
  const running = runningTracing()
  if (running?.runtime === undefined) return
  const limit = timeoutMs ?? running.config.shutdown.timeoutMs
  const until = performance.now() + limit
  if (!(await settlesWithin(invocation.idle(), limit))) {
    running.log.warnOnce(
      'invocation open',
      `a serverless invocation returned before its request ended (${limit} ms); its trace may be lost when the platform freezes the process`,
    )
  }
  await running.tracing.flush({ timeoutMs: Math.max(until - performance.now(), 0) })
}

function timeoutOf(args: readonly unknown[], { timeoutMs }: TraceHandlerOptions): number | undefined {
  const [, context] = args as [unknown, { getRemainingTimeInMillis?: () => number } | undefined]
  const left = context?.getRemainingTimeInMillis?.()
  if (typeof left !== 'number') return timeoutMs
  return Math.max(Math.min(left - RESERVE_MS, timeoutMs ?? 5_000), 0)
}

function isResponse(value: unknown): value is ServerResponse {
  const response = value as Partial<ServerResponse> | undefined
  return typeof response?.end === 'function' && typeof response.setHeader === 'function'
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}
