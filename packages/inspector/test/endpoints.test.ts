import { request } from 'node:http'
import { gzipSync } from 'node:zlib'
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { type Inspector, startInspector } from '../src/index.ts'
import { jsonExport, jsonSpan, postJson, sendSpans, traceId } from './span-fixture.ts'

let inspector: Inspector

beforeEach(async () => {
  inspector = await startInspector({ port: 0, settleMs: 10, maxBodyBytes: 100_000 })
})

afterEach(() => inspector.close())

const post = (path: string, body: string | Uint8Array, headers: Record<string, string>): Promise<Response> =>
  fetch(inspector.url + path, { method: 'POST', body, headers })

const postSpans = (body: string | Uint8Array, headers: Record<string, string>): Promise<Response> =>
  post('/api/public/otel/v1/traces', body, headers)

describe('an export', () => {
  it.each(['/v1/traces', '/api/public/otel/v1/traces', '//api/public/otel/v1/traces', '/v1/traces?token=x'])(
    'is taken at %s',
    async path => {
      const response = await postJson(inspector.url + path, jsonExport([jsonSpan()]))
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe('application/json')
      expect(await response.json()).toEqual({})
      expect(inspector.traces()).toHaveLength(1)
    },
  )

  it('is answered with partial success where spans are malformed, in JSON', async () => {
    const response = await postSpans(jsonExport([jsonSpan(), { ...jsonSpan(), spanId: 'x' }, 'no span']), {
      'content-type': 'application/json; charset=utf-8',
    })
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      partialSuccess: { rejectedSpans: 2, errorMessage: expect.stringContaining('span id must be 8 bytes') },
    })
    expect(inspector.stats()).toMatchObject({ spans: 1, rejectedSpans: 2 })
  })

  it('is answered with partial success where spans are malformed, in protobuf', async () => {
    // Field 2 of ScopeSpans: spans of one byte, of a field that breaks off, and of a trace id of one byte.
    const spans = Buffer.from('1201ff 12020a05 12030a01ab'.replaceAll(' ', '').repeat(100), 'hex')
    const scopeSpans = Buffer.concat([Buffer.from('12b009', 'hex'), spans])
    const body = Buffer.concat([Buffer.from('0ab309', 'hex'), scopeSpans])
    const response = await postSpans(body, { 'content-type': 'application/x-protobuf' })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/x-protobuf')
    const answer = ProtobufTraceSerializer.deserializeResponse(Buffer.from(await response.arrayBuffer()))
    expect(answer.partialSuccess).toEqual({
      rejectedSpans: 300,
      errorMessage: 'premature EOF; trace id must be 16 bytes, not all zero, got "ab"',
    })
  })

  it('may be empty in protobuf', async () => {
    const response = await postSpans(new Uint8Array(), { 'content-type': 'application/x-protobuf' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  it('loses no span when many arrive at once', async () => {
    const exports = Array.from({ length: 50 }, (_, index) =>
      sendSpans(
        inspector.url,
        { trace: 'b', id: `${index + 1}`, ...(index > 0 && { parent: '1' }) },
        { trace: `${index + 1}`, id: '1' },
      ),
    )
    await Promise.all(exports)
    expect(inspector.trace(traceId('b'))?.root?.children).toHaveLength(49)
    expect(inspector.stats()).toMatchObject({ traces: 51, spans: 100, rejectedSpans: 0 })
  })
})

describe('what cannot be taken', () => {
  const json = { 'content-type': 'application/json' }
  const protobuf = { 'content-type': 'application/x-protobuf' }

  it.each([
    ['JSON that is none', 400, '{"resourceSpans":', json],
    ['an empty body as JSON', 400, '', json],
    ['JSON of another shape', 400, '{"resourceSpans":{}}', json],
    ['a list', 400, '[]', json],
    ['invalid UTF-8', 400, new Uint8Array([0x22, 0xff, 0x22]), json],
    ['protobuf that breaks off', 400, new Uint8Array([0x0a, 200]), protobuf],
    ['protobuf of unknown wire type', 400, new Uint8Array([0x0b, 1, 1]), protobuf],
    ['an endless varint', 400, new Uint8Array(20).fill(0xff), protobuf],
    ['gzip that is none', 400, 'plain', { ...json, 'content-encoding': 'gzip' }],
    ['a body too large', 413, ' '.repeat(5_000_000), json],
    ['a gzip bomb', 413, gzipSync(Buffer.alloc(50_000_000)), { ...json, 'content-encoding': 'gzip' }],
    ['text', 415, '{}', { 'content-type': 'text/plain' }],
    ['brotli', 415, '{}', { ...json, 'content-encoding': 'br' }],
  ])('is refused: %s', async (_, status, body, headers) => {
    const response = await postSpans(body, headers)
    expect(response.status).toBe(status)
    expect((await response.text()).length).toBeGreaterThan(0)
    expect(inspector.traces()).toEqual([])
  })

  it('is refused in the language of the sender', async () => {
    const response = await postSpans(new Uint8Array([0x0a, 200]), protobuf)
    expect(response.headers.get('content-type')).toBe('application/x-protobuf')
    const status = Buffer.from(await response.arrayBuffer())
    expect([status[0], status[1]]).toEqual([0x12, status.length - 2])
    expect(status.subarray(2).toString()).toMatch(/not an OTLP trace export/)
  })

  it('is a method that the path does not know', async () => {
    const response = await fetch(`${inspector.url}/v1/traces`)
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
    expect((await fetch(inspector.url, { method: 'DELETE' })).status).toBe(405)
  })

  it('is a path that does not exist', async () => {
    expect((await postJson(`${inspector.url}/v1/metrics`, '{}')).status).toBe(404)
    expect((await fetch(`${inspector.url}/api/traces/${'0'.repeat(32)}`)).status).toBe(404)
  })
})

describe('the Host header', () => {
  const get = (host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      request(inspector.url, { headers: { host } }, response => {
        response.resume().on('end', () => resolve(response.statusCode))
      })
        .on('error', reject)
        .end()
    })

  it.each(['localhost', 'LOCALHOST:4319', 'app.localhost:1', '127.0.0.1:4319', '[::1]:4319'])(
    'may be %s',
    async host => {
      expect(await get(host)).toBe(200)
    },
  )

  it.each([
    'evil.example',
    'evil.example:4319',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'notlocalhost',
  ])('must not be %j, which a page on another site could make point here', async host => {
    expect(await get(host)).toBe(403)
  })

  it('may be a name that the options allow', async () => {
    await inspector.close()
    inspector = await startInspector({ port: 0, allowedHosts: ['Inspector.internal'] })
    expect(await get('inspector.internal:4319')).toBe(200)
  })
})

describe('scores', () => {
  it('of an ingestion batch are answered one by one', async () => {
    await sendSpans(inspector.url, { trace: 'a' })
    const body = { traceId: traceId('a'), name: 'helpful', value: 1 }
    const response = await postJson(`${inspector.url}/api/public/ingestion`, {
      batch: [
        { id: 'e1', type: 'score-create', body: { ...body, id: 's1' } },
        { id: 'e2', type: 'score-create', body: { ...body, value: null } },
        { id: 'e3', type: 'trace-create', body: {} },
        { id: 'e4', type: 'score-create', body: { name: 'of a session', value: 1, sessionId: 's' } },
        { id: 'e5', type: 'score-create', body: { ...body, id: 's1', value: 0 } },
        null,
      ],
    })
    expect(response.status).toBe(207)
    expect(await response.json()).toEqual({
      successes: ['e1', 'e4', 'e5'].map(id => ({ id, status: 201 })),
      errors: ['e2', 'e3', ''].map(id => ({ id, status: 400, message: expect.any(String) })),
    })
    expect(inspector.trace(traceId('a'))?.scores).toMatchObject([{ id: 's1', value: 0 }])
  })

  it('may come as a list, of which those that are wrong are left out', async () => {
    await sendSpans(inspector.url, { trace: 'a' })
    const score = { traceId: traceId('a'), name: 'helpful', value: 1 }
    const post = (list: unknown[]) => postJson(`${inspector.url}/api/public/scores`, list)
    expect((await post([{ ...score, id: 's1' }])).status).toBe(202)
    const partly = await post([{ ...score, id: 's2' }, { ...score, value: null }, 7])
    expect(partly.status).toBe(207)
    const errors = [{ message: 'score.value is missing' }, { message: 'score must be an object' }]
    expect(await partly.json()).toEqual({ accepted: 1, rejected: 2, errors })
    expect(inspector.trace(traceId('a'))?.scores).toMatchObject([{ id: 's1' }, { id: 's2' }])
  })

  it('are refused alone where their metadata is deeper than the call stack', async () => {
    const score = `{"traceId":"${traceId('a')}","name":"deep","value":1,"metadata":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
    const batch = `{"batch":[{"id":"e1","type":"score-create","body":${score}}]}`
    const response = await postJson(`${inspector.url}/api/public/ingestion`, batch)
    expect(await response.json()).toMatchObject({ successes: [], errors: [{ id: 'e1', status: 400 }] })
    expect(inspector.stats()).toMatchObject({ scores: 0, traces: 0 })
  })

  it.each(['{', '[]', '{"batch":{}}'])('are refused where the body is %s', async body => {
    expect((await postJson(`${inspector.url}/api/public/ingestion`, body)).status).toBe(400)
  })
})

it("leads from where the SDK's getTraceUrl points to the trace", async () => {
  const { data } = (await (await fetch(`${inspector.url}/api/public/projects`)).json()) as {
    data: { id: string }[]
  }
  const path = `/project/${data[0]!.id}/traces/${traceId('a')}`
  const answer = await fetch(inspector.url + path, { redirect: 'manual' })
  expect([answer.status, answer.headers.get('location')]).toEqual([302, `/traces/${traceId('a')}`])
})

describe('the JSON API', () => {
  const getJson = async <T>(path: string): Promise<T> =>
    (await (await fetch(inspector.url + path)).json()) as T

  it('lists traces newest first and gives each in full', async () => {
    await sendSpans(inspector.url, {
      trace: 'a',
      name: 'first',
      attributes: { 'langfuse.observation.input': 'hi' },
    })
    await sendSpans(inspector.url, { trace: 'b', name: 'second' }, { trace: 'b', id: '2', parent: '1' })
    const list = await getJson<{ traces: object[] }>('/api/traces')
    expect(list.traces).toMatchObject([
      { name: 'second', observationCount: 2 },
      { name: 'first', observationCount: 1 },
    ])
    expect(list.traces[1]).not.toHaveProperty('input')
    const trace = await getJson<{ observations: object[] }>(`/api/traces/${traceId('a')}`)
    expect(trace).toMatchObject({ name: 'first', input: 'hi', observations: [{ name: 'first' }] })
  })

  it('gives a trace that is deeper than the call stack', async () => {
    await inspector.close()
    inspector = await startInspector({ port: 0 })
    const chain = Array.from({ length: 15_000 }, (_, index) => ({
      id: (index + 1).toString(16),
      ...(index > 0 && { parent: index.toString(16) }),
    }))
    await sendSpans(inspector.url, ...chain)
    const trace = await getJson<{ observations: object[] }>(`/api/traces/${traceId('a')}`)
    expect(trace.observations).toHaveLength(15_000)
  })

  it('sends nothing that a browser would take for a page', async () => {
    await sendSpans(inspector.url, { name: '<script>alert(1)</script>\u001b[2J' })
    const response = await fetch(inspector.url)
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    expect(await response.text()).toMatch(
      /^1 trace received\n\n0{31}a {2}DEFAULT {2}<script>alert\(1\)<\/script>\n$/,
    )
  })
})
