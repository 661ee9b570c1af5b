import { tracingChannel } from 'node:diagnostics_channel'
import { shared } from '../basics/shared.ts'
import { currentRequest } from './request-context.ts'
import type { RequestTrace, TracedRequest } from './request-trace.ts'

/** What a tracing channel publishes, with what leaves the request again. */
interface Message {
  [kLeave]?: () => void
}

const kLeave = Symbol('langfuse-middleware.leave')

/**
 * Enters the request of each call that the tracing channel `name` reports, for the synchronous part of the call, if the call runs in another
 * context. A shared callback, such as the one of a connection pool, continues a request in the context of whoever created it. Subscribes
 * instead of binding a store, because entering a store that is already right costs 100 ns per call.
 */
export function enterRequestsOf<M extends object>(
  name: string,
  requestOf: (message: M) => TracedRequest | undefined,
): void {
  // Once per process, for an ESM and a CommonJS copy of this package alike.
  shared(`channel ${name}`, () => {
    const { start, end } = tracingChannel(name)
    start.subscribe(message => {
      const leave = requestOf(message as M)?.enter()
      if (leave !== undefined) (message as Message)[kLeave] = leave
    })
    end.subscribe(message => (message as Message)[kLeave]?.())
    return true
  })
}

type Continue<T> = (...args: unknown[]) => T

/**
 * Calls `next` with `args` as part of the request of `trace`; directly if that is the current request, so that an observation of the app
 * stays active.
 */
export function within<T>(
  trace: RequestTrace | undefined,
  next: (...args: never[]) => T,
  ...args: unknown[]
): T {
  const proceed = next as Continue<T>
  return trace === undefined || trace === currentRequest()
    ? proceed(...args)
    : enterAndCall(trace, proceed, args)
}

// A function of its own, because a closure in `within` would allocate a context on every call.
function enterAndCall<T>(trace: RequestTrace, next: Continue<T>, args: unknown[]): T {
  return trace.run(() => next(...args))
}
