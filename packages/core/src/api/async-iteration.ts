/** What follows an iteration. */
interface Follower {
  /** Runs each step of the iteration. */
  run<T>(step: () => T): T
  /** Called once, when the iteration is over. */
  end(failure?: { readonly thrown: unknown }): void
}

type Method = 'next' | 'return' | 'throw'

/** True for the object that an async generator function returns, and for an iterator like it. */
export function isAsyncIterator(value: unknown): value is AsyncGenerator {
  const iterator = value as Partial<AsyncGenerator> | null | undefined
  return typeof iterator?.[Symbol.asyncIterator] === 'function' && typeof iterator.next === 'function'
}

/** Follows `iterator` to its end, whether it is done, fails or is left early. Changes only own properties of this one object. */
export function followIteration(iterator: AsyncGenerator, { run, end }: Follower): void {
  let isOver = false
  const over = (failure?: { readonly thrown: unknown }) => {
    if (isOver) return
    isOver = true
    end(failure)
  }
  for (const name of ['next', 'return', 'throw'] as const satisfies readonly Method[]) {
    const original = iterator[name] as ((...args: unknown[]) => Promise<IteratorResult<unknown>>) | undefined
    if (typeof original !== 'function') continue
    Object.defineProperty(iterator, name, {
      configurable: true,
      writable: true,
      value: (...args: unknown[]) => {
        const step = run(() => Reflect.apply(original, iterator, args))
        void Promise.resolve(step).then(
          ({ done }) => {
            if (done || name === 'return') over()
          },
          thrown => over({ thrown }),
        )
        return step
      },
    })
  }
}
