import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ensureInspector, type Inspector, startInspector } from '../src/index.ts'
import { jsonExport, jsonSpan, openSpan, postJson, sendSpans, traceId } from './span-fixture.ts'

const started: Inspector[] = []

const start = async (options: Parameters<typeof startInspector>[0] = {}): Promise<Inspector> => {
  const inspector = await startInspector({ port: 0, settleMs: 10, ...options })
  started.push(inspector)
  return inspector
}

afterEach(() => Promise.all(started.splice(0).map(inspector => inspector.close())))

const html = { accept: 'text/html' }
const a = traceId('a')

interface Answer {
  traces: Record<string, unknown>[]
  observations: Record<string, unknown>[]
}

const getJson = async (url: string): Promise<Answer> => (await (await fetch(url)).json()) as Answer

/** Node's fetch sets some headers by itself; this one sends what it is told. */
const status = (
  url: string,
  method: string,
  headers: Record<string, string>,
  body = '',
): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request(url, { method, headers }, response =>
      response.resume().on('end', () => resolve(response.statusCode)),
    )
      .on('error', reject)
      .end(body)
  })

describe('the page', () => {
  it.each(['/', '/sessions', '/users/ada', '/compare/a/b', `/traces/${a}`])('is served at %s', async path => {
    const { url } = await start()
    const response = await fetch(url + path, { headers: html })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await response.text()).toContain('<script type="module" src="/assets/app-')
  })

  it('runs nothing but its own script, loads nothing from elsewhere, and is framed by nobody', async () => {
    const { url } = await start()
    const response = await fetch(url, { headers: html })
    const policy = response.headers.get('content-security-policy')!
    expect(policy.split('; ')).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "trusted-types 'none'",
      ]),
    )
    expect(policy).not.toContain('unsafe')
    expect(await response.text()).not.toMatch(/<script(?! type="module" src="\/assets\/)|style=|https?:/)
  })

  it('names its files by their content, so that they may be kept for ever', async () => {
    const { url } = await start()
    const page = await (await fetch(url, { headers: html })).text()
    const paths = [...page.matchAll(/"(\/assets\/[^"]+)"/g)].map(match => match[1]!)
    expect(paths).toHaveLength(3)
    for (const path of paths) {
      const response = await fetch(url + path)
      expect(response.status).toBe(200)
      expect(response.headers.get('cache-control')).toContain('immutable')
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    }
    expect((await fetch(`${url}/assets/../package.json`)).status).toBe(404)
    expect((await fetch(`${url}/assets/app.js`)).status).toBe(404)
  })

  it('gives a trace as text to who asks for no page', async () => {
    const { url } = await start()
    await sendSpans(url, { name: 'POST /chat' }, { id: '2', parent: '1', name: 'answer' })
    expect(await (await fetch(`${url}/traces/${a}`)).text()).toMatch(/● POST \/chat.*\n└─ answer/s)
    expect((await fetch(`${url}/traces/${traceId('b')}`)).status).toBe(404)
  })
})

describe('pages of other origins', () => {
  it.each([
    ['GET', '/api/traces'],
    ['DELETE', '/api/traces'],
    ['POST', '/v1/traces'],
    ['POST', '/api/public/scores'],
    ['GET', '/'],
  ])('are refused: %s %s', async (method, path) => {
    const { url, port } = await start()
    const origins = [
      'http://evil.example',
      'null',
      `http://localhost:${port + 1}`,
      `http://localhost:${port}`,
      '',
    ]
    for (const origin of origins) expect(await status(url + path, method, { origin })).toBe(403)
  })

  it('are refused where the browser tells, and a link from them is followed', async () => {
    const { url } = await start()
    const cross = { 'sec-fetch-site': 'cross-site' }
    expect(await status(`${url}/api/traces`, 'GET', { ...cross, 'sec-fetch-mode': 'no-cors' })).toBe(403)
    expect(await status(url, 'GET', { ...cross, ...html, 'sec-fetch-mode': 'navigate' })).toBe(200)
  })

  it('do not keep the own page from asking', async () => {
    const { url } = await start()
    const headers = { origin: url, 'content-type': 'application/json' }
    expect(await status(`${url}/v1/traces`, 'POST', headers, jsonExport([jsonSpan()]))).toBe(200)
    expect(await status(`${url}/api/traces`, 'DELETE', { origin: url })).toBe(200)
    expect((await getJson(`${url}/api/traces`)).traces).toEqual([])
  })
})

describe('what the page asks for', () => {
  it('is a list of summaries with previews, all texts cut', async () => {
    const { url } = await start()
    await sendSpans(url, {
      name: 'n'.repeat(5_000),
      attributes: {
        'langfuse.observation.input': 'q'.repeat(5_000),
        'langfuse.observation.metadata.statusCode': '404',
        'langfuse.observation.metadata.route': '/users/:id',
        'user.id': 'u'.repeat(5_000),
        'langfuse.trace.tags': JSON.stringify(Array.from({ length: 500 }, (_, index) => `t${index}`)),
      },
    })
    const { traces } = await getJson(`${url}/api/traces`)
    expect(traces).toMatchObject([
      { statusCode: 404, route: '/users/:id', observationCount: 1, runningCount: 0 },
    ])
    expect((traces[0] as { question: string }).question).toBe(`${'q'.repeat(300)}…`)
    expect(JSON.stringify(traces).length).toBeLessThan(2_000)
  })

  it('is the outline of a trace, and each span on its own', async () => {
    const { url } = await start()
    await sendSpans(
      url,
      { name: 'root' },
      { id: '2', parent: '1', name: 'child', attributes: { 'langfuse.observation.input': '{"a":1}' } },
      { id: '3', parent: '2', name: 'grandchild' },
    )
    const { observations } = await getJson(`${url}/api/traces/${a}/outline`)
    expect(observations.map(({ name, depth, running }) => [name, depth, running])).toEqual([
      ['root', 0, false],
      ['child', 1, false],
      ['grandchild', 2, false],
    ])
    const span = (await getJson(`${url}/api/traces/${a}/spans/0000000000000002`)) as unknown as {
      attributes: object
    }
    expect(span.attributes).toEqual({ 'langfuse.observation.input': '{"a":1}' })
    expect((await fetch(`${url}/api/traces/${a}/spans/${'9'.repeat(16)}`)).status).toBe(404)
    expect((await fetch(`${url}/api/traces/${traceId('b')}/outline`)).status).toBe(404)
  })

  it('is what was found in names, messages and payloads, in whatever case', async () => {
    const { url } = await start()
    await sendSpans(url, {
      trace: 'a',
      attributes: { 'langfuse.observation.input': 'Reykjavík (Iceland) 50% off' },
    })
    await sendSpans(url, { trace: 'b', name: 'GET /iceland' })
    const find = async (query: string): Promise<string[]> =>
      ((await (await fetch(`${url}/api/search?q=${encodeURIComponent(query)}`)).json()) as { ids: string[] })
        .ids
    expect((await find('ICELAND')).sort()).toEqual([traceId('a'), traceId('b')])
    expect(await find('iceland off')).toEqual([traceId('a')])
    expect(await find('nothing iceland')).toEqual([])
    expect(await find('"(iceland) 50%"')).toEqual([traceId('a')])
    expect(await find('.*')).toEqual([])
    expect(await find(traceId('b'))).toEqual([traceId('b')])
    await sendSpans(url, { trace: 'c', name: 'late iceland' })
    expect(await find('iceland')).toHaveLength(3)
    await fetch(`${url}/api/traces`, { method: 'DELETE' })
    expect(await find('iceland')).toEqual([])
  })

  it('is every trace as OTLP JSON, which another inspector takes back as it was', async () => {
    const [from, to] = [await start({ settleMs: 60_000 }), await start({ settleMs: 60_000 })]
    const attributes = { 'langfuse.observation.output': 'so', number: 1.5, whole: 3, yes: true }
    await sendSpans(from.url, { trace: 'a', attributes }, { trace: 'a', id: '2', parent: '1', startMs: 3 })
    await sendSpans(from.url, { trace: 'b', durationMs: 0.001 })
    const one = await (await fetch(`${from.url}/api/traces/${a}/export`)).text()
    expect((await postJson(`${to.url}/v1/traces`, one)).status).toBe(200)
    expect(to.trace(a)).toEqual(from.trace(a))
    const response = await fetch(`${from.url}/api/export`)
    expect(response.headers.get('content-disposition')).toContain('traces.jsonl')
    const lines = (await response.text()).trimEnd().split('\n')
    for (const line of lines) await postJson(`${to.url}/v1/traces`, line)
    expect(to.traces()).toEqual(from.traces())
  })
})

describe('running observations', () => {
  const running = (url: string, ...spans: object[]): Promise<Response> =>
    postJson(`${url}/api/running`, jsonExport(spans))

  it('are shown until they end, and are no traces before', async () => {
    const inspector = await start()
    const { url } = inspector
    await running(url, openSpan(), openSpan({ id: '2', parent: '1', name: 'answer' }))
    expect((await getJson(`${url}/api/traces`)).traces).toMatchObject([{ runningCount: 2, settled: false }])
    expect(inspector.traces()).toEqual([])
    await sendSpans(url, { id: '2', parent: '1', name: 'answer' })
    expect((await getJson(`${url}/api/traces/${a}/outline`)).observations).toMatchObject([
      { name: 'GET /', running: true, depth: 0 },
      { name: 'answer', running: false, depth: 1 },
    ])
    await sendSpans(url, { id: '1' })
    // Reported late: it has ended already.
    await running(url, openSpan({ id: '2', parent: '1' }))
    expect((await getJson(`${url}/api/traces`)).traces).toMatchObject([
      { runningCount: 0, observationCount: 2 },
    ])
  })

  it('may have ended in a request that runs', async () => {
    const { url } = await start()
    await running(url, openSpan(), jsonSpan({ id: '2', parent: '1', name: 'plan' }))
    expect((await getJson(`${url}/api/traces/${a}/outline`)).observations).toMatchObject([
      { name: 'GET /', running: true },
      { name: 'plan', running: false },
    ])
  })

  it('are forgotten where the sender says that they will not arrive', async () => {
    const { url } = await start()
    await running(url, openSpan(), openSpan({ trace: 'b' }))
    expect((await fetch(`${url}/api/running/${a}`, { method: 'DELETE' })).status).toBe(200)
    expect((await getJson(`${url}/api/traces`)).traces).toMatchObject([{ id: traceId('b') }])
    await sendSpans(url, { trace: 'b' })
    expect((await fetch(`${url}/api/running/${traceId('b')}`, { method: 'DELETE' })).status).toBe(200)
    expect((await getJson(`${url}/api/traces`)).traces).toMatchObject([{ id: traceId('b') }])
  })
})

describe('the live feed', () => {
  it('tells of traces that come and go', async () => {
    const { url } = await start()
    const leaving = new AbortController()
    const response = await fetch(`${url}/api/events`, { signal: leaving.signal })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const changes = readChanges(response)
    await sendSpans(url, { name: 'POST /chat' })
    expect((await changes.next()).value).toMatchObject({
      traces: [{ id: a, name: 'POST /chat' }],
      removed: [],
    })
    await fetch(`${url}/api/traces`, { method: 'DELETE' })
    let change = (await changes.next()).value
    while (change.removed.length === 0) change = (await changes.next()).value
    expect(change.removed).toEqual([a])
    leaving.abort()
  })
})

describe('sending a trace on', () => {
  let langfuse: Server
  let received: { url: string | undefined; authorization: string | undefined; body: string }[]
  let answer: number
  let baseUrl: string

  beforeEach(async () => {
    received = []
    answer = 200
    langfuse = createServer(async (incoming, response) => {
      let body = ''
      for await (const chunk of incoming) body += chunk
      received.push({ url: incoming.url, authorization: incoming.headers.authorization, body })
      response.writeHead(answer).end('{"message":"no such key"}')
    })
    await new Promise<void>(resolve => langfuse.listen(0, '127.0.0.1', () => resolve()))
    baseUrl = `http://127.0.0.1:${(langfuse.address() as AddressInfo).port}`
  })

  afterEach(() => new Promise(resolve => langfuse.close(resolve)))

  it('hands Langfuse its spans and scores, with the keys', async () => {
    const { url } = await start({ sendTo: { baseUrl: `${baseUrl}/`, publicKey: 'pk', secretKey: 'sk' } })
    await sendSpans(url, { name: 'POST /chat' }, { id: '2', parent: '1' })
    await postJson(`${url}/api/public/scores`, { traceId: a, name: 'helpful', value: 1 })
    const response = await fetch(`${url}/api/traces/${a}/send`, { method: 'POST' })
    expect(await response.json()).toEqual({ sentTo: `${baseUrl}/` })
    expect(received.map(({ url, authorization }) => [url, authorization])).toEqual([
      ['/api/public/otel/v1/traces', `Basic ${btoa('pk:sk')}`],
      ['/api/public/scores', `Basic ${btoa('pk:sk')}`],
    ])
    const { resourceSpans } = JSON.parse(received[0]!.body)
    expect(resourceSpans[0].scopeSpans[0].spans).toHaveLength(2)
    expect(JSON.parse(received[1]!.body)).toMatchObject({ name: 'helpful', value: 1, traceId: a })
  })

  it('tells what Langfuse answered where it does not take it', async () => {
    answer = 401
    const { url } = await start({ sendTo: { baseUrl, publicKey: 'pk', secretKey: 'sk' } })
    await sendSpans(url, {})
    const response = await fetch(`${url}/api/traces/${a}/send`, { method: 'POST' })
    expect(response.status).toBe(502)
    expect(await response.json()).toEqual({ message: `${baseUrl} answered 401: {"message":"no such key"}` })
  })

  it('is refused without keys, and the keys are shown to nobody', async () => {
    const without = await start()
    await sendSpans(without.url, {})
    expect((await fetch(`${without.url}/api/traces/${a}/send`, { method: 'POST' })).status).toBe(409)
    const { url } = await start({ sendTo: { baseUrl, publicKey: 'pk', secretKey: 'sk' } })
    expect(await (await fetch(`${url}/api/inspector`)).json()).toEqual({
      name: 'langfuse-inspector',
      sendsTo: baseUrl,
    })
    await expect(
      start({ sendTo: { baseUrl: 'javascript:1', publicKey: 'pk', secretKey: 'hush' } }),
    ).rejects.toThrow(/sendTo needs (?!.*hush)/)
  })
})

describe('apps that share an inspector', () => {
  it('start the first and find it afterwards', async () => {
    const first = await start()
    const { port } = first
    const second = await ensureInspector({ port })
    expect(second).toEqual({ url: first.url })
    await first.close()
    const third = await ensureInspector({ port, settleMs: 10 })
    started.push(third.inspector!)
    expect(third.url).toBe(first.url)
    expect(third.inspector!.traceUrl(a)).toBe(`${first.url}/traces/${a}`)
  })

  it('end up with one where several start at once', async () => {
    const { port, close } = await start()
    await close()
    const shared = await Promise.all(Array.from({ length: 4 }, () => ensureInspector({ port, settleMs: 10 })))
    const own = shared.flatMap(({ inspector }) => inspector ?? [])
    started.push(...own)
    expect(new Set(shared.map(({ url }) => url)).size).toBe(1)
    expect(own).toHaveLength(1)
  })

  it('do not take another server on the port for one', async () => {
    const other = createServer((_request, response) => response.end('{"name":"other"}'))
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', () => resolve()))
    const { port } = other.address() as AddressInfo
    const warnings: string[] = []
    const { inspector } = await ensureInspector({ port, warn: message => warnings.push(message) })
    started.push(inspector!)
    expect(inspector!.port).not.toBe(port)
    expect(warnings).toEqual([expect.stringContaining(`Port ${port} is in use`)])
    // The next app goes past it too, to the one that is there by now.
    expect(await ensureInspector({ port, warn: message => warnings.push(message) })).toEqual({
      url: inspector!.url,
    })
    expect(warnings).toHaveLength(1)
    other.close()
  })
})

async function* readChanges(
  response: Response,
): AsyncGenerator<{ traces: object[]; removed: string[] }, never> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1]
      text = text.slice(end + 2)
      if (data) yield JSON.parse(data)
    }
  }
  throw new Error('the feed ended')
}
