import type { TracedRequest } from '../context/request-trace.ts'

/** A function that runs `fn` in the context of `request`, with its own `this` and arguments. */
export function bindFunction<F extends (...args: never[]) => unknown>(
  request: Pick<TracedRequest, 'run'>,
  fn: F,
): F {
  return function bound(this: unknown, ...args: never[]) {
    return request.run(() => fn.apply(this, args))
  } as F
}
