import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findInJson } from '../page/content/json-match.ts'
import { alignRows } from '../page/trace/aligned-rows.ts'
import { formatCurl, formatTestCase, readRequest } from '../src/reading/copy-as.ts'
import { matchesFilters, parseDuration, parseQuery, withFilter } from '../src/reading/trace-query.ts'
import type { TraceSummary } from '../src/reading/trace-summary.ts'
import type { OutlineRow } from '../src/server/trace-outline.ts'

const summary: TraceSummary = {
  id: 'a'.repeat(32),
  name: 'POST /chat',
  route: '/chat',
  level: 'ERROR',
  statusCode: 502,
  startTimeMs: 0,
  endTimeMs: 1_200,
  durationMs: 1_200,
  userId: 'Ada L',
  sessionId: 's-1',
  tags: ['beta'],
  environment: 'staging',
  service: 'shop',
  totals: { tokens: { input: 1, output: 2, total: 3 }, cost: 0, models: ['gpt-4.1-mini'] },
  scores: [],
  observationCount: 1,
  runningCount: 0,
  settled: true,
  revision: 1,
}

describe('a query', () => {
  it.each([
    ['user:"ada l"', true],
    ['user:ada', false],
    ['status:5xx level:error', true],
    ['status:502', true],
    ['status:>=500', true],
    ['status:<500', false],
    ['status:2xx', false],
    ['status:running', false],
    ['duration:>1s', true],
    ['duration:1s', true],
    ['duration:<1s', false],
    ['duration:soon', false],
    ['route:/cha', true],
    ['tag:BETA model:mini', true],
    ['tag:alpha', false],
    ['environment:staging service:shop session:s-1', true],
    ['user:', true],
  ])('%j passes the trace: %s', (query, passes) => {
    expect(matchesFilters(summary, parseQuery(query).filters)).toBe(passes)
  })

  it('leaves words, phrases and unknown names to the search', () => {
    expect(parseQuery('refund user:ada "two words" http://x foo:bar')).toEqual({
      filters: [{ name: 'user', value: 'ada' }],
      text: 'refund "two words" http://x foo:bar',
    })
  })

  it('takes a filter in, over and out', () => {
    const one = withFilter('refund', 'user', 'Ada L')
    expect(one).toBe('user:"Ada L" refund')
    expect(withFilter(one, 'user', 'bob')).toBe('user:bob refund')
    expect(withFilter(one, 'user', undefined)).toBe('refund')
  })

  it.each([
    ['5', 5],
    ['200ms', 200],
    ['1.5s', 1_500],
    ['2min', 120_000],
    ['1h', undefined],
    ['', undefined],
  ])('reads %j as %s ms', (text, ms) => expect(parseDuration(text)).toBe(ms))
})

describe('copying', () => {
  const nasty = `it's "quoted" $HOME \`id\` \\ ; rm -rf ~\n日本\u001b[2J\u202e`
  const kept = nasty.replace('\u001b', '').replace('\u202e', '')
  const root = (input: unknown, metadata = {}, output?: unknown) => ({
    input,
    output,
    metadata,
    attributes: {},
  })

  it.each([
    [{ name: 'POST /chat' }, root({ method: 'PUT', path: '/x?y=1' }), 'PUT', 'http://localhost:3000/x?y=1'],
    [{ name: 'POST /chat' }, root('hello'), 'POST', 'http://localhost:3000/chat'],
    [{ name: 'chat', route: 'GET /chat' }, root(undefined), 'GET', 'http://localhost:3000/chat'],
    [
      { name: 'x' },
      root(undefined, { method: 'DELETE', url: 'https://shop.example/a' }),
      'DELETE',
      'https://shop.example/a',
    ],
    [{ name: 'x' }, root(undefined), 'GET', 'http://localhost:3000/'],
  ])('finds the request of %j', (named, observation, method, url) => {
    expect(readRequest(named, observation)).toMatchObject({ method, url })
  })

  it('gives a command that a shell takes apart as it was meant, and a terminal does not obey', () => {
    const request = readRequest(
      summary,
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

  it('gives a test that passes against the app as it was, and fails once it answers otherwise', async () => {
    let answer = { text: nasty }
    const server = createServer(async (incoming, response) => {
      let body = ''
      for await (const chunk of incoming) body += chunk
      response.writeHead(JSON.parse(body).question === nasty ? 200 : 400).end(JSON.stringify(answer))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
    const observation = root(
      { method: 'POST', path: '/chat', body: { question: nasty } },
      {},
      { text: nasty },
    )
    const text = formatTestCase(
      { ...summary, statusCode: 200 },
      observation,
      readRequest(summary, observation),
    )
    const folder = mkdtempSync(join(tmpdir(), 'inspector-'))
    writeFileSync(join(folder, 'chat.test.mjs'), text)
    const { port } = server.address() as AddressInfo
    const env = { ...process.env, APP_URL: `http://127.0.0.1:${port}`, NODE_OPTIONS: '' }
    const run = (): Promise<number | null> =>
      new Promise(resolve => {
        spawn(process.execPath, ['--test', join(folder, 'chat.test.mjs')], { env }).on('exit', resolve)
      })
    try {
      expect(await run()).toBe(0)
      answer = { text: 'something else' }
      expect(await run()).not.toBe(0)
    } finally {
      server.close()
      rmSync(folder, { recursive: true })
    }
  })
})

describe('a comparison', () => {
  const row = (name: string, depth: number): OutlineRow =>
    ({ name, depth, type: 'span', id: name }) as OutlineRow
  const names = (left: OutlineRow[], right: OutlineRow[]): string[] =>
    alignRows(left, right).map(({ left, right }) => `${left?.name ?? ''}|${right?.name ?? ''}`)

  it('puts the same beside the same, and leaves a gap for what only one has', () => {
    const root = row('root', 0)
    expect(
      names(
        [root, row('a', 1), row('b', 1), row('d', 1)],
        [row('other root', 0), row('b', 1), row('c', 1), row('d', 1), row('e', 2)],
      ),
    ).toEqual(['root|other root', 'a|', 'b|b', '|c', 'd|d', '|e'])
    expect(names([root], [])).toEqual(['root|'])
    expect(names([], [])).toEqual([])
  })
})

describe('searching in JSON', () => {
  it('counts keys and values, and opens the way to them', () => {
    const inner = { deep: ['Needle', 1] }
    const value = { a: inner, needleKey: 2, c: { d: 3 } }
    const { count, open } = findInJson(value, 'needle')
    expect(count).toBe(2)
    expect(open).toEqual(new Set([value, inner, inner.deep]))
  })

  it('goes deeper than the call stack', () => {
    let value: unknown = 'needle'
    for (let depth = 0; depth < 50_000; depth += 1) value = [value]
    expect(findInJson(value, 'needle').count).toBe(1)
  })
})
