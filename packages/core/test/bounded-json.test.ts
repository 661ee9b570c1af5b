import fc from 'fast-check'
import { boundedJson } from '../src/capture/text/bounded-json.ts'
import { redactText } from '../src/capture/text/credentials.ts'

// These characters spell no name of a credential, so no value is redacted because of its key.
const keyCharacter = fc.constantFrom(...'kK09_-. "\\\n\u0000\u2028é漢😀')
const key = fc.string({ unit: keyCharacter, maxLength: 8 }).map(text => `k${text}`)
const { value } = fc.letrec(tie => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.constantFrom(null, true, false, undefined, Number.NaN, () => {}, new Date(0), new Date(Number.NaN)),
    fc.array(tie('value')),
    fc.dictionary(key, tie('value')),
  ),
}))

it('writes what JSON.stringify writes, as long as there is room', () => {
  fc.assert(
    fc.property(value, any => {
      const json = JSON.stringify(any)
      // Random texts may look like credentials.
      fc.pre(json === undefined || redactText(json) === json)
      expect(boundedJson(any, 1_000_000)).toBe(json)
    }),
    { numRuns: 1_000 },
  )
})

it('writes the members of a value that toJSON returns as it is', () => {
  const own = { a: 1, toJSON: () => own }
  expect(boundedJson({ own, list: [own] }, 1_000)).toBe(JSON.stringify({ own, list: [own] }))
})

it('stays JSON, and near its bound, where there is none', () => {
  fc.assert(
    fc.property(value, fc.nat(200), (any, maxBytes) => {
      const json = boundedJson(Array(10_000).fill([any, 0]), maxBytes) as string
      expect(JSON.parse(json)).toHaveProperty('length')
      expect(json.length).toBeLessThan(40 * (maxBytes + 50))
    }),
  )
})

it('keeps no more of a key than of a value, and sees what the whole key says', () => {
  const long = `${'k'.repeat(100_000)}_password`
  const json = boundedJson({ [long]: 7, rest: 1 }, 100)!
  expect(json.length).toBeLessThan(300)
  expect(json).toContain('"[redacted]"')
})

it('writes keys as before when it has seen thousands of others', () => {
  const others = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`other${index}`, index]))
  const text = boundedJson({ name: 'ada', password: 'secret' }, 1_000)
  expect(boundedJson(others, 1_000_000)).toBe(JSON.stringify(others))
  expect(boundedJson({ name: 'ada', password: 'secret' }, 1_000)).toBe(text)
  expect(text).toBe('{"name":"ada","password":"[redacted]"}')
})
