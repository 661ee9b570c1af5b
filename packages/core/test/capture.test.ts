import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { type CaptureOptions, safeTrace, type TracingOptions } from '@langfuse-middleware/core'
import { checkRouteOptions, createRequestTracer } from '@langfuse-middleware/core/adapter'
import { type RecordedObservation, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import fc from 'fast-check'
import { answeredRequest } from './answered-request.ts'

let recorder: Recorder
let warnings: string[]

function record(options: TracingOptions = {}): void {
  warnings = []
  const logger = { info() {}, error() {}, warn: (line: string) => warnings.push(line) }
  recorder = recordTraces({ logger, ...options })
}

beforeEach(() => record())

afterEach(() => recorder.close())

const MARKS_BYTES = 256

async function inputOf(
  requestBody: CaptureOptions['requestBody'],
  body: unknown,
  { type = 'application/json', ...options }: CaptureOptions & { type?: string } = {},
): Promise<unknown> {
  const headers = { 'content-type': type, 'content-length': '1' }
  const capture = { ...options, ...(requestBody !== undefined && { requestBody }) }
  return (await answeredRequest(recorder, capture, { headers, body }, response => response.end())).input
}

async function outputOf(
  type: string,
  chunks: readonly (string | Uint8Array)[],
  options: CaptureOptions = {},
  headers: Record<string, string> = {},
): Promise<unknown> {
  const root = await answeredRequest(recorder, { responseBody: true, ...options }, {}, response => {
    if (type !== '') response.setHeader('content-type', type)
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    for (const chunk of chunks) response.write(chunk)
    response.end()
  })
  return root.output
}

it('shows nothing of what was said unless asked to', async () => {
  const root = await answeredRequest(
    recorder,
    undefined,
    { url: '/?q=SAID', headers: { 'x-said': 'SAID' }, body: { text: 'SAID' } },
    response => {
      response.setHeader('x-answer', 'SAID')
      response.write('SAID')
      response.end('SAID')
    },
  )
  expect(JSON.stringify(root.attributes)).not.toContain('SAID')
})

describe('what is selected', () => {
  const body = {
    messages: [
      { role: 'system', content: 'be kind' },
      { role: 'user', content: 'hi' },
    ],
    model: 'm',
  }

  it.each<[CaptureOptions['requestBody'], unknown]>([
    [true, body],
    [['messages[-1].content'], 'hi'],
    [['messages'], body.messages],
    [['messages[*].role'], ['system', 'user']],
    [['model', 'messages[0].content', 'absent'], { model: 'm', 'messages[0].content': 'be kind' }],
    [said => (said as typeof body).messages.length, 2],
  ])('is what %p leads to', async (requestBody, expected) => {
    expect(await inputOf(requestBody, body)).toEqual(expected)
  })

  it.each([
    ['absent'],
    ['messages[7].content'],
    ['model.length'],
    ['__proto__.polluted'],
    ['constructor.name'],
  ])('is nothing where %s leads nowhere', async path => {
    expect(await inputOf([path], body)).toEqual({ method: 'POST', path: '/' })
  })

  it('is nothing where a function throws, which is warned of once', async () => {
    const capture = () => {
      throw new Error('no such member')
    }
    for (const _time of [1, 2]) {
      expect(await inputOf(capture, body)).toBe('[not captured: capture.requestBody failed]')
    }
    expect(warnings).toEqual([
      'langfuse: capture.requestBody failed, the body is hidden: Error: no such member',
    ])
    expect(recorder.tracing.stats().warnings).toEqual({ 'capture.requestBody failed': 2 })
  })
})

describe('credentials', () => {
  it('are blanked under keys that are called so, at any depth, and nothing else is', async () => {
    const blanked = [
      'password',
      'API_KEY',
      'x-api-key',
      'client_secret',
      'accessToken',
      'userPassword',
      'Authorization',
      'token',
      'cvv',
    ]
    const shown = ['max_tokens', 'prompt_tokens', 'tokenizer', 'author', 'passenger', 'key', 'content']
    const entries = [...blanked, ...shown].map(key => [key, { deep: 42 }])
    const input = (await inputOf(true, { list: [Object.fromEntries(entries)] })) as {
      list: [Record<string, unknown>]
    }
    expect(
      Object.entries(input.list[0])
        .filter(([, value]) => value === '[redacted]')
        .map(([key]) => key),
    ).toEqual(blanked)
  })

  it('are blanked within texts', async () => {
    const text = 'curl -H "Authorization: Bearer abc.def" https://ada:pw@host/ sk-lf-123'
    expect(await inputOf(true, { text })).toEqual({
      text: 'curl -H "Authorization: Bearer [redacted]" https://[redacted]@host/ sk-lf-[redacted]',
    })
  })

  it('are blanked in headers and query values', async () => {
    const { metadata } = await answeredRequest(
      recorder,
      { query: true, requestHeaders: true, responseHeaders: ['Set-Cookie', 'x-model'] },
      {
        url: '/?q=a&q=b&token=t&flag',
        headers: { authorization: 'Basic x', cookie: 'a=b', 'x-goog-api-key': 'k', accept: '*/*' },
      },
      response => {
        response.setHeader('set-cookie', ['a=b'])
        response.setHeader('x-model', 'm')
        response.setHeader('x-other', 'o')
        response.end()
      },
    )
    expect(metadata).toMatchObject({
      query: { q: ['a', 'b'], token: '[redacted]', flag: '' },
      requestHeaders: {
        authorization: '[redacted]',
        cookie: '[redacted]',
        'x-goog-api-key': '[redacted]',
        accept: '*/*',
      },
    })
    expect(metadata.responseHeaders).toEqual({ 'set-cookie': '[redacted]', 'x-model': 'm' })
  })

  it('and what is at the given paths are blanked before anything is selected, in a copy', async () => {
    const body = Object.freeze({
      user: Object.freeze({ email: 'a@b.c', name: 'ada' }),
      list: [{ iban: 'x', note: 'n' }],
    })
    const seen: unknown[] = []
    const options = { redact: ['user.email', 'list[*].note'] }
    expect(await inputOf(true, body, options)).toEqual({
      user: { email: '[redacted]', name: 'ada' },
      list: [{ iban: '[redacted]', note: '[redacted]' }],
    })
    expect(await inputOf(['user.email'], body, options)).toBe('[redacted]')
    await inputOf(said => seen.push(said), body, options)
    expect(seen).toMatchObject([{ user: { email: '[redacted]' } }])
    expect(body).toEqual({ user: { email: 'a@b.c', name: 'ada' }, list: [{ iban: 'x', note: 'n' }] })
  })

  it('are blanked in JSON that is cut', async () => {
    const text = JSON.stringify({ user: { email: 'a@b.c', password: 'hunter2' }, text: 'x'.repeat(5_000) })
    const output = await outputOf('application/json', [text], { maxBytes: 100, redact: ['user.email'] })
    expect(output).toMatchObject({ user: { email: '[redacted]', password: '[redacted]' } })
    expect(JSON.stringify(output)).toContain(`cut: ${text.length - 100} of ${text.length} bytes`)
  })

  it('are hidden with all the rest where paths cannot be found in what should be JSON', async () => {
    const hidden = '[not captured: paths cannot be found in it]'
    expect(await outputOf('application/json', ['{"email":"a@b.c" oops'], { redact: ['email'] })).toBe(hidden)
    expect(await outputOf('application/json', ['{"email":"a@b.c" oops'])).toBe('{"email":"a@b.c" oops')
    expect(await outputOf('text/plain', ['{"email":"a@b.c"'], { redact: ['email'] })).toBe(hidden)
    expect(await outputOf('application/x-ndjson', ['{"email":"a@b.c"}\n{}'], { redact: ['email'] })).toBe(
      hidden,
    )
    expect(await outputOf('', ['{"email":"a@b.c"}'], { redact: ['email'] })).toEqual({ email: '[redacted]' })
  })
})

describe('a hostile body', () => {
  const hostile: Record<string, unknown> = {
    fine: 1,
    big: 12n,
    date: new Date(0),
    bytes: Buffer.from('secret'),
    nothing: undefined,
    function: () => 1,
    get getter() {
      throw new Error('getter')
    },
    json: {
      toJSON() {
        throw new Error('toJSON')
      },
    },
    proxy: new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('ownKeys')
        },
      },
    ),
  }
  hostile.cycle = hostile

  it('is shown as far as it can be read', async () => {
    expect(await inputOf(true, hostile)).toEqual({
      fine: 1,
      big: '12',
      date: '1970-01-01T00:00:00.000Z',
      bytes: '[binary: 6 bytes]',
      getter: '[not readable]',
      json: '[not readable: Error]',
      proxy: '[not readable: Error]',
      cycle: '[circular]',
    })
    expect(warnings).toEqual([])
  })

  it('is hidden where a path that is to be blanked cannot be read', async () => {
    expect(await inputOf(true, hostile, { redact: ['getter.deep', 'fine'] })).toBe(
      '[not captured: capture.requestBody failed]',
    )
  })

  it('pollutes no prototype', async () => {
    const body = JSON.parse(
      '{"__proto__":{"polluted":true,"password":"x"},"constructor":{"prototype":{"polluted":true}}}',
    )
    const input = await inputOf(true, body)
    expect(JSON.stringify(input)).toBe(
      '{"__proto__":{"polluted":true,"password":"[redacted]"},"constructor":{"prototype":{"polluted":true}}}',
    )
    await inputOf(['constructor'], body, { redact: ['__proto__.polluted', 'constructor.prototype.polluted'] })
    await inputOf(true, '__proto__=a&__proto__[polluted]=1', { type: 'application/x-www-form-urlencoded' })
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it.each([
    ['text/plain', 'a.'],
    ['text/plain', '\\'],
    ['text/plain', '"a":"'],
    ['text/plain', '"token" '],
    ['text/plain', 'Bearer '],
    ['text/plain', 'https://'],
    ['application/json', '['],
    ['application/json', '{"a":'],
    ['application/x-www-form-urlencoded', 'k&'],
  ])('takes no longer than its size: %s of %s', async (type, piece) => {
    const text =
      piece === 'k&' ? Array.from({ length: 100_000 }, (_, index) => index).join('&') : piece.repeat(200_000)
    expect(await inputOf(true, text, { type, maxBytes: 500_000 })).toBeDefined()
  })

  it('is deep without end', async () => {
    let deep: unknown = 'bottom'
    for (let level = 0; level < 100_000; level += 1) deep = [deep]
    expect(JSON.stringify(await inputOf(true, deep))).toContain('[too deep]')
  })

  it('of any kind is JSON within its bound', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withNullPrototype: true,
          withTypedArray: true,
          withUnicodeString: true,
          maxDepth: 6,
        } as fc.ObjectConstraints),
        fc.integer({ min: 1, max: 300 }),
        async (body, maxBytes) => {
          const headers = { 'content-type': 'application/json', 'content-length': '1' }
          const root = await answeredRequest(
            recorder,
            { requestBody: true, maxBytes },
            { headers, body },
            response => response.end(),
          )
          const written = root.attributes['langfuse.observation.input'] as string
          expect(Buffer.byteLength(written)).toBeLessThan(6 * (maxBytes + MARKS_BYTES) + 2_000)
        },
      ),
      { numRuns: 100 },
    )
  })
})

describe('a large body', () => {
  it('is cut where its bound is, and says how much is missing', async () => {
    const items = Array.from({ length: 1_000_000 }, (_, index) => index)
    const input = (await inputOf(
      true,
      { text: 'x'.repeat(50 * 1024 * 1024), items },
      { maxBytes: 1_000 },
    )) as { text: string }
    expect(input.text).toMatch(/^x{1200,1250} \[cut: 52427\d\d\d of 52428800 bytes\]$/)
    expect(input).toMatchObject({ '[cut]': '1 more' })
    expect(await inputOf(true, items, { maxBytes: 100 })).toContainEqual(
      expect.stringMatching(/^\[cut: 999\d{3} more\]$/),
    )
  })

  it('of text is cut between characters', async () => {
    expect(await outputOf('text/plain', ['ää', 'ää'], { maxBytes: 5 })).toBe('ää [cut: 4 of 8 bytes]')
    expect(await inputOf(true, '😀😀', { type: 'text/plain', maxBytes: 5 })).toBe('😀 [cut: 4 of 8 bytes]')
  })

  it('that is answered in chunks leaves behind no more than its bound', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 'x')
    const output = await outputOf(
      'text/plain',
      Array.from({ length: 50 }, () => chunk),
      { maxBytes: 100 },
    )
    expect(output).toBe(`${'x'.repeat(100)} [cut: ${50 * 1024 * 1024 - 100} of ${50 * 1024 * 1024} bytes]`)
  })
})

describe('a body that no parser took apart', () => {
  it.each([
    ['application/json', '{"a":1}', { a: 1 }],
    ['application/problem+json; charset=utf-8', '{"a":1}', { a: 1 }],
    [
      'application/x-www-form-urlencoded',
      'a=1&b=2&b=3&password=x',
      { a: '1', b: ['2', '3'], password: '[redacted]' },
    ],
    ['text/plain', 'hello', 'hello'],
    ['application/x-ndjson', '{"a":1}\n{"a":2}\n', '{"a":1}\n{"a":2}\n'],
    ['application/json', '{"a":', '{"a":'],
    ['text/plain', '{"a":1}', { a: 1 }],
    ['text/plain', '[1] See above.', '[1] See above.'],
  ])('is read by its type, %s', async (type, text, expected) => {
    expect(await inputOf(true, text, { type })).toEqual(expected)
    expect(await inputOf(true, Buffer.from(text), { type })).toEqual(expected)
    expect(await outputOf(type, [text.slice(0, 3), Buffer.from(text.slice(3))])).toEqual(expected)
  })

  it('shows bytes that are no text as such', async () => {
    const input = await inputOf(true, Buffer.from([0x61, 0xff, 0xfe]), { type: 'text/plain' })
    expect(input).toBe('a\ufffd\ufffd')
    expect(await outputOf('text/plain', [Buffer.from([0x61, 0xff]), Buffer.from([0xc3])])).toBe(
      'a\ufffd\ufffd',
    )
  })
})

describe('a body that is no text', () => {
  it.each<[string, string, Uint8Array, Record<string, string>]>([
    ['is named by its type', 'image/png', Buffer.from('secret'), {}],
    ['is known by its first bytes', '', Buffer.from([0, 1, 2, 3, 4, 5]), {}],
    [
      'is named by the encoding that the app gave it',
      'text/plain',
      gzipSync('secret'),
      { 'content-encoding': 'gzip' },
    ],
  ])('%s', async (_how, type, bytes, headers) => {
    const named = type === 'image/png' ? type : type === '' ? 'binary' : 'gzip'
    expect(await outputOf(type, [bytes], {}, headers)).toBe(`[${named}: ${bytes.length} bytes]`)
    expect(await inputOf(true, bytes, { type: 'application/octet-stream' })).toBe(
      `[binary: ${bytes.length} bytes]`,
    )
  })
})

it.each([
  ['HEAD', 200],
  ['GET', 204],
  ['GET', 304],
])('shows no body of an answer that has none: %s, %d', async (method, status) => {
  const { output } = await answeredRequest(recorder, { responseBody: true }, { method }, response => {
    response.statusCode = status
    response.end('not sent')
  })
  expect(output).toEqual({ statusCode: status })
})

it('leaves a response alone that lets nobody see what is written', async () => {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  Object.defineProperty(response, 'write', { value: response.write, configurable: false })
  const trace = createRequestTracer({ capture: { responseBody: true } }).start({
    method: 'GET',
    url: '/',
    headers: {},
  })
  trace.endWith(response, () => undefined)
  response.write('hello')
  response.end()
  trace.end({ end: 'completed', statusCode: 200 })
  expect((await recorder.waitFor(() => true)).root?.output).toEqual({ statusCode: 200 })
  expect(warnings).toHaveLength(1)
})

it('shows what the app says itself instead', async () => {
  const selected: unknown[] = []
  const capture = {
    requestBody: (said: unknown) => selected.push(said),
    responseBody: (said: unknown) => selected.push(said),
  }
  const root = await answeredRequest(recorder, capture, { body: { a: 1 } }, (response, trace) => {
    trace.update({ input: 'question', output: 'answer', metadata: { path: 'own' } })
    response.end('{}')
  })
  expect(root).toMatchObject({ input: 'question', output: 'answer', metadata: { path: 'own' } })
  expect(selected).toEqual([])
})

it('captures of one request what only it tells, over what is captured of all', async () => {
  const root = await answeredRequest(
    recorder,
    { requestBody: true, maxBytes: 4 },
    { body: { a: 1 } },
    (response, trace) => {
      trace.configure({ capture: { requestBody: false, responseBody: true } })
      response.setHeader('content-type', 'text/plain')
      response.end('abcdef')
    },
  )
  expect(root.input).toEqual({ method: 'POST', path: '/' })
  expect(root.output).toBe('abcd [cut: 2 of 6 bytes]')
})

it('leaves capture as it was where a request asks for what there is not', async () => {
  const root = await answeredRequest(
    recorder,
    { requestBody: true },
    { body: { a: 1 } },
    (response, trace) => {
      trace.configure({ capture: { requestBody: 'all' as unknown as boolean } })
      trace.configure({ capture: null as unknown as CaptureOptions })
      response.end()
    },
  )
  expect(root.input).toEqual({ a: 1 })
  expect(warnings).toHaveLength(1)
})

it.each<[unknown, string]>([
  [{ bodies: true }, 'capture has no "bodies"'],
  [{ requestBody: 'messages' }, 'capture.requestBody must be true, false, a function or a list of paths'],
  [{ responseBody: ['a..b'] }, 'capture.responseBody must be true, false, a function or a list of paths'],
  [{ requestHeaders: 'accept' }, 'capture.requestHeaders must be true, false or a list of names'],
  [{ maxBytes: 0 }, 'capture.maxBytes must be'],
  [{ redact: ['a..b'] }, 'capture.redact must be a list of paths'],
  [{ redact: 'a' }, 'capture.redact must be a list of paths'],
])('says at the start what is wrong with %p', (capture, message) => {
  const wrong = { capture } as { capture: CaptureOptions }
  expect(() => createRequestTracer(wrong)).toThrow(message)
  expect(() => checkRouteOptions(wrong)).toThrow(message)
})

describe('mask', () => {
  async function masked(mask: NonNullable<TracingOptions['mask']>): Promise<RecordedObservation> {
    await recorder.close()
    record({ mask })
    return answeredRequest(
      recorder,
      { query: true, requestBody: true },
      { url: '/?q=lovelace', body: { name: 'lovelace' } },
      (response, trace) => {
        trace.setMetadata({ who: 'lovelace' })
        trace.run(() => safeTrace('child', child => child.update({ metadata: { who: 'lovelace' } })))
        response.end()
      },
    )
  }

  it('sees what is captured, and metadata', async () => {
    const root = await masked(({ data }) => String(data).replaceAll('lovelace', '***'))
    expect(root).toMatchObject({ input: { name: '***' }, metadata: { who: '***', query: { q: '***' } } })
    expect(root.attributes['langfuse.trace.metadata.who']).toBe('***')
    expect(root.children[0]?.metadata).toMatchObject({ who: '***' })
    expect(JSON.stringify(root)).not.toContain('lovelace')
  })

  it('hides what it fails on, and is warned of once', async () => {
    const root = await masked(({ data }) => {
      if (String(data).includes('lovelace')) throw new Error('no')
      return data
    })
    expect(JSON.stringify(root.attributes)).not.toContain('lovelace')
    expect(root).toMatchObject({
      input: '[hidden: the option mask failed]',
      metadata: { who: '[hidden: the option mask failed]' },
    })
    expect(warnings).toHaveLength(1)
  })

  it('that takes its time masks inputs and outputs, and hides metadata', async () => {
    await recorder.close()
    record({ mask: async ({ data }) => String(data).replaceAll('lovelace', '***') })
    const traced = createRequestTracer({ capture: { requestBody: true } }).start({
      method: 'POST',
      url: '/',
      headers: {},
      body: { name: 'lovelace' },
    } as never)
    traced.trace.setMetadata({ who: 'lovelace' })
    traced.end({ end: 'completed', statusCode: 200 })
    const { root } = await recorder.waitFor(() => true)
    expect(root).toMatchObject({
      input: { name: '***' },
      metadata: { who: '[hidden: the option mask failed]' },
    })
  })
})
