import { isCredentialHeader, isCredentialKey } from '../src/capture/text/credential-names.ts'
import { redactText } from '../src/capture/text/credentials.ts'
import { redactionCases } from './redaction-cases.ts'

describe.each(Object.entries(redactionCases))('the redaction of %s', (_group, cases) => {
  it.each(cases as [string, string?][])(
    'makes of %j what the table says',
    (text: string, redacted = text) => {
      expect(redactText(text)).toBe(redacted)
    },
  )

  it.each(cases as [string, string?][])(
    'changes nothing of %j a second time',
    (text: string, redacted = text) => {
      expect(redactText(redacted)).toBe(redacted)
    },
  )
})

it.each([
  ['token', true],
  ['accessToken', true],
  ['REFRESH_TOKEN', true],
  ['x-csrf-token', true],
  ['my.session.token', true],
  ['max_tokens', false],
  ['maxOutputTokens', false],
  ['max_token', false],
  ['tokenizer', false],
  ['tokenCount', false],
  ['client_secret', true],
  ['secretKey', true],
  ['secretary', false],
  ['dbPassword', true],
  ['passwordHash', true],
  ['DB_PWD', true],
  ['passcode', true],
  ['user_otp', true],
  ['cvv', true],
  ['code_verifier', true],
  ['client_assertion', true],
  ['client_assertion_type', false],
  ['pin', true],
  ['card_pin', true],
  ['cardPin', true],
  ['shoppingBasket', false],
  ['spin', false],
  ['author', false],
  ['authorizationUrl', false],
  ['key', false],
  ['monkey', false],
  ['api_key', true],
  ['раssword', true],
  ['pässwörd', true],
  ['to\u212aen', true],
  ['pass\u200bword', true],
  ['', false],
] as const)('judges the key %j: %j', (key, expected) => {
  expect(isCredentialKey(key)).toBe(expected)
})

it.each([
  ['authorization', true],
  ['x-goog-api-key', true],
  ['cookie', true],
  ['x-amz-security-token', true],
  ['content-type', false],
  ['user-agent', false],
  ['referer', false],
])('judges the header %s: %j', (name, expected) => {
  expect(isCredentialHeader(name)).toBe(expected)
})

describe('the time that redaction takes', () => {
  const parts = [
    ...[
      '"',
      '\\"',
      '\\\\\\"',
      "'",
      '{',
      '[',
      '}',
      ']',
      ':',
      '=',
      ',',
      ' ',
      '\n',
      '\t',
      '-',
      '--',
      '<',
      '</',
      '>',
      '@',
      '//',
    ],
    ...[
      'password',
      'token',
      'a',
      'eyJ',
      'sk-',
      'ghp_',
      'AKIA',
      'SG.',
      '.',
      'Bearer ',
      'authorization:',
      '-----BEGIN PRIVATE KEY-----',
    ],
    ...[
      '"name":"password"',
      '"value":',
      'secret: |\n',
      '\\u0070',
      'é',
      '\\',
      'x'.repeat(50),
      '1',
      '--password ',
    ],
  ]
  // Deterministic, so that a failure can be repeated.
  let seed = 42
  const random = (count: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    return seed % count
  }

  it('grows no faster than the text, whatever is repeated in it', () => {
    const patterns = [
      ...parts.map(part => [part]),
      ...Array.from({ length: 150 }, () =>
        Array.from({ length: 1 + random(4) }, () => parts[random(parts.length)] as string),
      ),
    ]
    const slow = patterns.filter(pattern => {
      const unit = pattern.join('')
      const times = (bytes: number) => {
        const text = unit.repeat(Math.ceil(bytes / unit.length))
        const before = process.cpuUsage()
        redactText(text)
        const { user, system } = process.cpuUsage(before)
        return user + system
      }
      times(4_096)
      // Sixteen times the text takes 256 times as long if the time is quadratic. Small figures tell nothing.
      const large = times(256 * 1_024)
      return large > 150_000 && large > 64 * Math.max(times(16 * 1_024), 1_000)
    })
    expect(slow).toEqual([])
  })

  it('never throws', () => {
    for (let round = 0; round < 3_000; round += 1) {
      const text = Array.from({ length: random(30) }, () => parts[random(parts.length)]).join('')
      expect(typeof redactText(text)).toBe('string')
    }
  })
})
