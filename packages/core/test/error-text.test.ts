import { DEFAULT_SHOWN_OF_ERRORS, errorText } from '../src/capture/error-text.ts'

const BODY = { user: 'ada', password: 'hunter2', nested: { note: 'a long private note', pin: 4711 } }

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    return error
  }
}

it.each(['password=hunter2', '{"password":hunter2}', '{"password":"hunter2', '[1,hunter2', ''])(
  'shows nothing of %j that JSON.parse failed on',
  text => {
    const shown = errorText(parsed(text), DEFAULT_SHOWN_OF_ERRORS)
    expect(shown).toMatch(/^SyntaxError: /)
    expect(shown).not.toMatch(/hunter|passw|[{"]p/)
  },
)

it('shows what a parser says if bodies are captured, redacted', () => {
  const shown = errorText(parsed('nonsense password=hunter2'), { messages: true, requestBody: true })
  expect(shown).toContain('is not valid JSON')
  expect(shown).not.toContain('hunter2')
})

it.each([
  ['"password" with value "hunter2" fails to match', '"password" with value "[not shown]" fails to match'],
  ["got 'ada' and a long private note", "got '[not shown]' and [not shown]"],
  ['expected "4711"', 'expected "[not shown]"'],
  ['no value of it', 'no value of it'],
])('leaves the values of the body out of %j', (message, expected) => {
  const request = { headers: {}, body: BODY }
  // Too short to be taken for a value of the body.
  const shown = expected.replace("'[not shown]'", "'ada'")
  expect(errorText(new Error(message), DEFAULT_SHOWN_OF_ERRORS, request)).toBe(`Error: ${shown}`)
})

it('redacts credentials, and shows names alone if messages are off', () => {
  const error = new TypeError('connect to https://ada:hunter2@db.example failed, token=abcdef')
  expect(errorText(error, DEFAULT_SHOWN_OF_ERRORS)).toBe(
    'TypeError: connect to https://[redacted]@db.example failed, token=[redacted]',
  )
  expect(errorText(error, { messages: false, requestBody: true })).toBe('TypeError')
  expect(errorText('password=x', { messages: false, requestBody: true })).toBe('[not shown]')
})

it.each([
  ['a text', 'plain', 'plain'],
  ['an object', { code: 1, password: 'x' }, '{"code":1,"password":"[redacted]"}'],
  ['undefined', undefined, 'undefined'],
  ['a bigint', 1n, '1'],
  [
    'what cannot be printed',
    Object.create({
      toJSON() {
        throw new Error('no')
      },
    }),
    'an error that cannot be printed',
  ],
])('shows %s that was thrown', (_name, thrown, expected) => {
  expect(errorText(thrown, DEFAULT_SHOWN_OF_ERRORS)).toBe(expected)
})

it('is bounded, whatever the body is', () => {
  const cyclic: Record<string, unknown> = {
    list: Array.from({ length: 100_000 }, (_, index) => `value ${index}`),
  }
  cyclic.self = cyclic
  const shown = errorText(new Error('x'.repeat(100_000)), DEFAULT_SHOWN_OF_ERRORS, {
    headers: {},
    body: cyclic,
  } as never)
  expect(shown).toHaveLength(1_000)
})
