import { AsyncLocalStorage } from 'node:async_hooks'
import { shared } from '../basics/shared.ts'

/** One call of a serverless handler, which must not return before its requests are over. */
export interface Invocation {
  /** Counts a request or job that the call has started. */
  opened(): void
  /** Takes it off again, once it is over. */
  closed(): void
  /** Resolves when nothing is open. */
  idle(): Promise<void>
}

// One storage for all copies of this package. Nothing looks into it before the first handler was wrapped.
const state: { storage?: AsyncLocalStorage<Invocation> } = shared('invocations', () => ({}))

/** The invocation that the running code belongs to; undefined outside of one. */
export function currentInvocation(): Invocation | undefined {
  return state.storage?.getStore()
}

/** Runs `fn` within `invocation`. */
export function withInvocation<T>(invocation: Invocation, fn: () => T): T {
  state.storage ??= new AsyncLocalStorage<Invocation>()
  return state.storage.run(invocation, fn)
}

/** Creates an invocation without requests. */
export function createInvocation(): Invocation {
  let open = 0
  let waiting: (() => void)[] = []

  return {
    opened() {
      open += 1
    },
    closed() {
      open -= 1
      if (open > 0) return
      for (const resolve of waiting) resolve()
      waiting = []
    },
    idle: () => (open === 0 ? Promise.resolve() : new Promise(resolve => waiting.push(resolve))),
  }
}
