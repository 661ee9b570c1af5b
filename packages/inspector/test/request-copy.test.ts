import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Attributes } from '../src/otlp/otlp-span.ts'
import { readRequest } from '../src/reading/http-request.ts'
import { formatCurl, formatTestCase } from '../src/reading/request-copy.ts'

const root = (
  input: unknown,
  metadata: Record<string, unknown> = {},
  attributes: Attributes = {},
  output?: unknown,
) => ({ input, output, metadata, attributes })

describe('the request of a trace', () => {
  it.each([
    [{ name: 'POST /chat' }, root({ method: 'PUT', path: '/x' }), 'PUT', undefined, '/x'],
    [{ name: 'chat', route: 'GET /chat' }, root(undefined), 'GET', undefined, '/chat'],
    [
      { name: 'x' },
      root(undefined, { method: 'DELETE', url: 'https://shop.example/a' }),
      'DELETE',
      'https://shop.example',
      '/a',
    ],
    [
      { name: 'x' },
      root(undefined, {}, { 'url.full': 'http://a.example:81/b', 'http.request.method': 'PATCH' }),
      'PATCH',
      'http://a.example:81',
      '/b',
    ],
    [
      { name: 'GET /users/:id' },
      root(
        { method: 'GET', path: '/users/7' },
        {},
        { 'url.scheme': 'http', 'server.address': 'localhost', 'server.port': 4000 },
      ),
      'GET',
      'http://localhost:4000',
      '/users/7',
    ],
    [
      { name: 'GET /' },
      root(undefined, { requestHeaders: { host: 'shop.example:8080' } }),
      'GET',
      'http://shop.example:8080',
      '/',
    ],
    [{ name: 'x' }, root(undefined), 'GET', undefined, '/'],
  ])('is found for %j', (named, observation, method, origin, path) => {
    expect(readRequest(named, observation)).toMatchObject({ method, origin, path })
  })

  it('has the body that was captured, not the input that the app set', () => {
    const named = { name: 'POST /chat' }
    expect(readRequest(named, root('what the app said')).body).toEqual({ kind: 'unknown' })
    expect(readRequest(named, root({ question: 'hi' }, { path: '/chat' })).body).toEqual({
      kind: 'captured',
      value: { question: 'hi' },
    })
    expect(
      readRequest(named, root('what the app said', {}, { 'langfuse_middleware.request.body': '{"a":1}' }))
        .body,
    ).toEqual({ kind: 'captured', value: { a: 1 } })
    expect(readRequest({ name: 'GET /' }, root('what the app said')).body).toEqual({ kind: 'none' })
  })

  it('has captured headers and query values, but none that the sender sets anew', () => {
    const request = readRequest(
      { name: 'GET /search' },
      root(
        { method: 'GET', path: '/search', query: ['q', 'page'] },
        {
          query: { q: 'a b', page: ['1', '2'] },
          requestHeaders: { host: 'a.example', 'x-tenant': 't', 'content-length': '3' },
        },
      ),
    )
    expect(request).toMatchObject({
      query: '?q=a+b&page=1&page=2',
      headers: { 'x-tenant': 't' },
      hiddenQuery: [],
    })
  })
})

describe('a cURL command', () => {
  it('says what was not captured', () => {
    const observation = root(
      { method: 'POST', path: '/chat', query: ['q'] },
      { requestHeaders: { authorization: '[redacted]' } },
    )
    expect(formatCurl(readRequest({ name: 'POST /chat' }, observation))).toBe(
      [
        'curl -X POST http://localhost:3000/chat',
        '# origin not captured: http://localhost:3000 is a guess',
        '# query not captured: q',
        '# header not captured: authorization',
        '# body not captured',
      ].join('\n'),
    )
  })

  it('is taken apart by a shell as it was meant, and not obeyed by a terminal', () => {
    const nasty = `it's "quoted" $HOME \`id\` \\ ; rm -rf ~\n日本\u001b[2J\u202e`
    const kept = nasty.replace('\u001b', '').replace('\u202e', '')
    const request = readRequest(
      { name: 'POST /chat' },
      root({ method: 'POST', path: `/chat/${nasty}`, body: nasty, headers: { 'x-a': nasty } }),
    )
    const command = formatCurl(request)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be missing
    expect(command).not.toMatch(/[\u001b\u202e]/)
    const script = `curl() { printf '%s\\0' "$@"; }\n${command}`
    const given = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1)
    expect(given.slice(0, 2)).toEqual(['-X', 'POST'])
    expect(given[2]).toMatch(/^http:\/\/localhost:3000\/chat\/it's/)
    expect(given.slice(3)).toEqual([
      '-H',
      `x-a: ${kept.replaceAll('\n', ' ')}`,
      '-H',
      'content-type: text/plain',
      '--data-raw',
      kept,
    ])
  })
})

describe('a test case', () => {
  let answer: unknown
  const server = createServer(async (incoming, response) => {
    let body = ''
    for await (const chunk of incoming) body += chunk
    const isRight = incoming.method === 'POST' && incoming.url === '/chat?v=1' && body === '{"question":"hi"}'
    response.writeHead(isRight ? 200 : 400).end(JSON.stringify(answer))
  })
  const folder = mkdtempSync(join(tmpdir(), 'inspector-'))

  beforeAll(() => new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve())))
  afterAll(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })

  const runs = async (
    models: string[],
    recorded: unknown,
  ): Promise<(now: unknown) => Promise<number | null>> => {
    const { port } = server.address() as AddressInfo
    const attributes = { 'url.full': `http://127.0.0.1:${port}/chat?v=1` }
    const observation = root({ question: 'hi' }, { path: '/chat' }, attributes, recorded)
    const named = { id: 'a', name: 'POST /chat', statusCode: 200 }
    const totals = { tokens: { input: 0, output: 0, total: 0 }, cost: 0, models }
    const text = formatTestCase({ ...named, totals }, observation, readRequest(named, observation))
    writeFileSync(join(folder, 'chat.test.mjs'), text)
    return now => {
      answer = now
      const env = { ...process.env, NODE_OPTIONS: '' }
      return new Promise(resolve => {
        spawn(process.execPath, ['--test', join(folder, 'chat.test.mjs')], { env }).on('exit', resolve)
      })
    }
  }

  it('passes if only ids and times differ, and fails if a value does', async () => {
    const body = {
      id: '0b1c2d3e-1111-4222-8333-444455556666',
      at: '2026-01-01T10:00:00Z',
      currency: 'EUR',
      total: 12,
    }
    const run = await runs([], body)
    expect(
      await run({ ...body, id: 'ffffffff-1111-4222-8333-444455556666', at: '2027-05-05T11:11:11Z' }),
    ).toBe(0)
    expect(await run({ ...body, total: 13 })).not.toBe(0)
  })

  it('asserts the shape of what a model wrote, not its words', async () => {
    const body = { answer: 'It left this morning.', sources: [{ id: 'doc-1', score: 0.8 }] }
    const run = await runs(['gpt-5'], body)
    expect(
      await run({
        answer: 'This morning!',
        sources: [
          { id: 'doc-2', score: 0.7 },
          { id: 'doc-3', score: 0.1 },
        ],
      }),
    ).toBe(0)
    expect(await run({ answer: null, sources: [] })).not.toBe(0)
  })
})
