import { type Context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api'
import fc from 'fast-check'
import { SmallContext } from '../src/context/small-context.ts'

const keys = Array.from({ length: 4 }, (_, index) => createContextKey(String(index)))
const below = createContextKey('below')

it('holds what a context of OpenTelemetry holds, and changes none that was made before', () => {
  const step = fc.record({
    key: fc.constantFrom(...keys, below),
    value: fc.option(fc.nat(), { nil: undefined }),
  })
  fc.assert(
    fc.property(fc.array(step), steps => {
      const base = ROOT_CONTEXT.setValue(below, 'below')
      const first = keys[0] as symbol
      const pairs: [Context, Context][] = [[new SmallContext(base, first, 1), base.setValue(first, 1)]]
      for (const { key, value } of steps) {
        const [small, plain] = pairs.at(-1)!
        pairs.push(
          value === undefined
            ? [small.deleteValue(key), plain.deleteValue(key)]
            : [small.setValue(key, value), plain.setValue(key, value)],
        )
      }
      for (const [small, plain] of pairs) {
        for (const key of [...keys, below]) expect(small.getValue(key)).toBe(plain.getValue(key))
      }
    }),
  )
})

it('does not grow where the same values are set again and again', () => {
  const [first, second] = keys as [symbol, symbol]
  let context: Context = new SmallContext(ROOT_CONTEXT, first, 0)
  for (let index = 0; index < 1_000; index += 1) {
    context = context.setValue(second, index).setValue(first, index)
  }
  let depth = 0
  for (
    let at: unknown = context;
    at instanceof SmallContext;
    at = (at as unknown as { base: unknown }).base
  ) {
    depth += 1
  }
  expect(depth).toBe(2)
})
