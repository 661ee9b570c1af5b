import fc from 'fast-check'
import { closeJson } from '../src/wire/close-json.ts'

it.each([
  ['{"a":{"b":[1,"tex', '{"a":{"b":[1,"tex"]}}'],
  ['{"a":1,"b":2', '{"a":1}'],
  ['{"a":1,"ke', '{"a":1}'],
  ['{"a":1,"key"', '{"a":1}'],
  ['{"a":1,"key": ', '{"a":1}'],
  ['[{"a":tru', '[{}]'],
  ['[1, 2', '[1]'],
  ['[[], ', '[[]]'],
  ['["\\', '[""]'],
  ['["\\\\', '["\\\\"]'],
  ['["\\\\\\"', '["\\\\\\""]'],
  ['["a\\u12', '["a"]'],
  ['["a\\u0041', '["a\\u0041"]'],
  ['"tex', '"tex"'],
  ['{"{[,:\\"": "}],', '{"{[,:\\"": "}],"}'],
])('closes %s', (cut, closed) => {
  expect(closeJson(cut)).toBe(closed)
})

it.each(['[1}', '{"a" 1, "b"', "{'a': 1, ", 'text', ''])('makes no JSON of %s', text => {
  expect(() => JSON.parse(closeJson(text))).toThrow(SyntaxError)
})

it('keeps all that is whole, wherever any JSON is cut', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.nat(), fc.constantFrom(0, 2), (value, place, indent) => {
      fc.pre(typeof value === 'object' && value !== null)
      const text = JSON.stringify(value, undefined, indent)
      const end = 1 + (place % text.length)
      expect(isPartOf(JSON.parse(closeJson(text.slice(0, end))), JSON.parse(text))).toBe(true)
      expect(JSON.parse(closeJson(text))).toEqual(JSON.parse(text))
    }),
    { numRuns: 2_000 },
  )
})

it('takes a text of nothing but openings, or of nothing but escapes', () => {
  const openings = closeJson('['.repeat(100_000))
  expect(openings).toBe('['.repeat(100_000) + ']'.repeat(100_000))
  expect(JSON.parse(closeJson(`["${'\\"'.repeat(100_000)}`))).toEqual(['"'.repeat(100_000)])
})

/** Whether it is `whole` up to a place: equal but for its last member, which is a part in turn. */
function isPartOf(part: unknown, whole: unknown): boolean {
  if (typeof part === 'string') return typeof whole === 'string' && whole.startsWith(part)
  if (typeof part !== 'object' || part === null) return Object.is(part, whole)
  const parts = Object.entries(part)
  const wholes = new Map(Object.entries(whole as object))
  return parts.every(([key, member], index) =>
    index === parts.length - 1
      ? isPartOf(member, wholes.get(key))
      : JSON.stringify(member) === JSON.stringify(wholes.get(key)),
  )
}
