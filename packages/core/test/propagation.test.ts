import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  request,
  type Server,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  currentRequest,
  extractTraceContext,
  injectTraceHeaders,
  type MiddlewareOptions,
  safeTrace,
  type TracingOptions,
  traceJob,
} from '@langfuse-middleware/core'
import { createRequestTracer } from '@langfuse-middleware/core/adapter'
import { type RecordedTrace, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import { context, trace as otelTrace, propagation } from '@opentelemetry/api'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const PARENT = `00-${TRACE}-${SPAN}-01`
const CLAIM = `langfuse_trace_id=${TRACE}`

let recorder: Recorder
let servers: Server[] = []

afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  servers = []
  await recorder?.close()
})

function record(options: TracingOptions = {}) {
  recorder = recordTraces(options)
}

/** A traced server; `handle` answers with what it returns. */
async function serve(
  options: MiddlewareOptions,
  handle: (headers: IncomingHttpHeaders) => unknown = () => ({}),
): Promise<string> {
  const tracer = createRequestTracer(options)
  const server = createServer((incoming, response) => {
    const trace = tracer.start(incoming)
    trace.endWith(response, () => incoming.url)
    trace.run(async () => {
      const answer = (await handle(incoming.headers)) as
        | { status?: number; headers?: OutgoingHttpHeaders }
        | undefined
      response.writeHead(answer?.status ?? 200, answer?.headers)
      response.end(JSON.stringify(answer))
    })
  })
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** One request with exactly these headers; a list is sent as so many headers. */
async function call(url: string, headers: Record<string, string | string[]>) {
  const outgoing = request(`${url}/called`, { headers, agent: false })
  outgoing.end()
  const [response] = await once(outgoing, 'response')
  response.resume()
  await once(response, 'end')
  return response as { headers: IncomingHttpHeaders }
}

async function called(): Promise<RecordedTrace> {
  return recorder.waitFor(trace => trace.observations.some(one => one.name.endsWith('/called')))
}

/** A callee ends a moment after its caller has the answer. */
async function ended(): Promise<void> {
  while (recorder.tracing.stats().requests.open > 0) await new Promise(setImmediate)
}

describe('between two services that trust each other', () => {
  it('joins the callee to the caller, under the observation that called, with user and session', async () => {
    record()
    const callee = await serve({ trust: true }, () => safeTrace('answering', () => ({})))
    const caller = await serve({ identity: { userId: () => 'ada ø', sessionId: () => 's-1' } }, () =>
      safeTrace('calling', async () => {
        await fetch(`${callee}/called`)
      }),
    )
    await fetch(`${caller}/calls`)
    const trace = await recorder.waitFor(one => one.observations.length === 4)
    const path = (name: string): string[] => {
      const one = trace.observations.find(observation => observation.name === name)
      const parent = trace.observations.find(observation => observation.id === one?.parentId)
      return parent === undefined ? [name] : [...path(parent.name), name]
    }
    expect(path('answering')).toEqual(['GET /calls', 'calling', 'GET /called', 'answering'])
    expect(trace.observations.map(one => [one.userId, one.sessionId])).toEqual(
      Array(4).fill(['ada ø', 's-1']),
    )
    expect(trace.observations.filter(one => one.attributes['langfuse.internal.is_app_root'])).toHaveLength(1)
    expect(trace.orphans).toEqual([])
  })

  it('names an observation that Langfuse has, where a foreign span is active', async () => {
    record()
    const callee = await serve({ trust: true })
    await traceJob('job', () =>
      otelTrace.getTracer('a database').startActiveSpan('query', async span => {
        await fetch(`${callee}/called`)
        span.end()
      }),
    )
    const trace = await recorder.waitFor(one => one.observations.length === 2)
    expect(trace.root?.children.map(child => child.name)).toEqual(['GET /called'])
  })

  it('keeps its own user where it knows one', async () => {
    record()
    const callee = await serve({ trust: true })
    await call(callee, {
      traceparent: PARENT,
      baggage: `${CLAIM},langfuse_user_id=theirs,langfuse_session_id=theirs`,
      'x-user-id': 'own',
    })
    const [observation] = (await called()).observations
    expect(observation).toMatchObject({ traceId: TRACE, parentId: SPAN, userId: 'own', sessionId: 'theirs' })
  })

  it('keeps the caller whole at rate 0 when the callee answers 5xx', async () => {
    record({ sampling: { rate: 0 } })
    const callee = await serve({ trust: true }, () => ({ status: 503 }))
    const healthy = await serve({ trust: true })
    await traceJob('called the healthy one', async () => {
      await fetch(`${healthy}/fine`)
    })
    await traceJob('called the broken one', async () => {
      await fetch(`${callee}/called`)
    })
    await ended()
    const names = (await recorder.traces()).map(trace => trace.observations.map(one => one.name).sort())
    expect(names).toEqual([['GET /called', 'called the broken one']])
  })

  it('decides alike on both sides', async () => {
    record({ sampling: { rate: 0.5 } })
    const callee = await serve({ trust: true })
    for (let index = 0; index < 40; index += 1) {
      await traceJob('job', async () => {
        await fetch(`${callee}/called`)
      })
    }
    await ended()
    const traces = await recorder.traces()
    expect(traces.length).toBeGreaterThan(1)
    for (const { observations } of traces)
      expect(observations.map(one => one.name)).toEqual(['GET /called', 'job'])
  })
})

describe('a caller that is not trusted, or claims nothing', () => {
  it.each([
    ['untrusted', {}, { traceparent: PARENT, baggage: `${CLAIM},langfuse_user_id=victim` }],
    ['trusted without a claim', { trust: true }, { traceparent: PARENT, baggage: 'other=1' }],
    [
      'trusted with a claim for another trace',
      { trust: true },
      { traceparent: PARENT, baggage: `langfuse_trace_id=${'1'.repeat(32)}` },
    ],
    [
      'distrusted by a predicate that throws',
      {
        trust() {
          throw new Error('predicate')
        },
      },
      { traceparent: PARENT, baggage: CLAIM },
    ],
  ] as const)('%s: a new trace, with the caller as link and metadata', async (_case, options, headers) => {
    record()
    await call(await serve(options), headers)
    const trace = await called()
    expect(trace.id).not.toBe(TRACE)
    expect(trace.root?.userId).toBeUndefined()
    expect(trace.root?.metadata).toMatchObject({ callerTraceId: TRACE, callerSpanId: SPAN })
  })

  it('is trusted by a predicate of the request', async () => {
    record()
    const url = await serve({ trust: ({ headers }) => headers['x-secret'] === 'open' })
    await call(url, { traceparent: PARENT, baggage: CLAIM, 'x-secret': 'open' })
    expect((await called()).id).toBe(TRACE)
  })
})

it("joins by this product's own headers, whatever a proxy made of traceparent", async () => {
  record()
  await call(await serve({ trust: true }), {
    traceparent: `00-${TRACE}-${'c'.repeat(16)}-01`,
    'x-langfuse-trace-id': TRACE,
    'x-langfuse-parent-id': SPAN,
    'x-langfuse-session-id': 's%201',
  })
  const [observation] = (await called()).observations
  expect(observation).toMatchObject({ traceId: TRACE, parentId: SPAN, sessionId: 's 1' })
})

describe('W3C trace context, from a trusted caller', () => {
  const zeros = '0'.repeat(32)
  const cases: [string, Record<string, string | string[]>, boolean][] = [
    ['a valid traceparent', { traceparent: PARENT }, true],
    ['an unsampled one', { traceparent: `00-${TRACE}-${SPAN}-00` }, true],
    ['the random-id flag of level 2', { traceparent: `00-${TRACE}-${SPAN}-03` }, true],
    ['unknown flags', { traceparent: `00-${TRACE}-${SPAN}-ff` }, true],
    ['a future version', { traceparent: `cc-${TRACE}-${SPAN}-01` }, true],
    [
      'a future version with more parts',
      { traceparent: `cc-${TRACE}-${SPAN}-01-what-the-future-brings` },
      true,
    ],
    [
      'a future version with a part that is not set off',
      { traceparent: `cc-${TRACE}-${SPAN}-01.what` },
      false,
    ],
    ['version ff', { traceparent: `ff-${TRACE}-${SPAN}-01` }, false],
    ['version 00 with more parts', { traceparent: `${PARENT}-more` }, false],
    ['version 00 with a dash at its end', { traceparent: `${PARENT}-` }, false],
    ['an illegal version', { traceparent: `.0-${TRACE}-${SPAN}-01` }, false],
    ['a version that is too short', { traceparent: `0-${TRACE}-${SPAN}-01` }, false],
    ['a trace id of zeros', { traceparent: `00-${zeros}-${SPAN}-01` }, false],
    ['a trace id with an illegal character', { traceparent: `00-.${TRACE.slice(1)}-${SPAN}-01` }, false],
    ['a trace id in capitals', { traceparent: `00-${TRACE.toUpperCase()}-${SPAN}-01` }, false],
    ['a trace id that is too short', { traceparent: `00-${TRACE.slice(1)}-${SPAN}-01` }, false],
    ['a trace id that is too long', { traceparent: `00-${TRACE}0-${SPAN}-01` }, false],
    ['a parent id of zeros', { traceparent: `00-${TRACE}-${zeros.slice(16)}-01` }, false],
    ['a parent id with an illegal character', { traceparent: `00-${TRACE}-.${SPAN.slice(1)}-01` }, false],
    ['a parent id that is too short', { traceparent: `00-${TRACE}-${SPAN.slice(1)}-01` }, false],
    ['flags with an illegal character', { traceparent: `00-${TRACE}-${SPAN}-.0` }, false],
    ['flags that are too short', { traceparent: `00-${TRACE}-${SPAN}-1` }, false],
    ['flags that are too long', { traceparent: `${PARENT}0` }, false],
    ['space around it', { traceparent: ` ${PARENT}\t` }, true],
    ['its name in capitals', { TraceParent: PARENT }, true],
    ['two of them', { traceparent: [PARENT, `00-${TRACE}-${'1'.repeat(16)}-01`] }, false],
    ['an empty one', { traceparent: '' }, false],
    ['one of 100 kB', { traceparent: PARENT + 'x'.repeat(10_000) }, false],
    ['tracestate besides', { traceparent: PARENT, tracestate: 'foo=1,bar=2' }, true],
    ['tracestate in two headers', { traceparent: PARENT, tracestate: ['foo=1', 'bar=2'] }, true],
    ['tracestate that is malformed', { traceparent: PARENT, tracestate: 'foo,=,=1' }, true],
    [
      'tracestate with more than 32 members',
      { traceparent: PARENT, tracestate: Array.from({ length: 40 }, (_, i) => `k${i}=1`).join() },
      true,
    ],
    ['tracestate without traceparent', { tracestate: 'foo=1' }, false],
  ]

  const callers = [
    ['that claims its trace', true, { baggage: CLAIM }],
    ['without a claim, where every traceparent is trusted', 'traceparent', {}],
  ] as const
  const table = callers.flatMap(([caller, trust, claim]) =>
    cases.map(([name, headers, joins]) => {
      const all: Record<string, string | string[]> = { ...claim, ...headers }
      return [name, caller, trust, all, joins] as const
    }),
  )

  it.each(table)('%s, of a caller %s', async (_case, _caller, trust, headers, joins) => {
    record()
    let passedOn: Record<string, unknown> = {}
    const url = await serve({ trust }, () => {
      passedOn = injectTraceHeaders({})
      return {}
    })
    await call(url, headers)
    const trace = await called()
    expect(trace.id === TRACE).toBe(joins)
    const isRandom = joins && /-(03|ff)$/.test(String(headers.traceparent))
    expect(passedOn.traceparent).toBe(`00-${trace.id}-${trace.observations[0]?.id}-0${isRandom ? 3 : 1}`)
    if (joins && headers.tracestate === 'foo=1,bar=2') expect(passedOn.tracestate).toBe('foo=1,bar=2')
    if (!joins) expect(passedOn.tracestate).toBeUndefined()
  })

  it('counts what is malformed, and warns of it once', async () => {
    const warn = jest.fn()
    record({ logger: { info() {}, warn, error() {} } })
    const url = await serve({ trust: true })
    for (let index = 0; index < 3; index += 1) await call(url, { traceparent: 'nonsense' })
    expect(recorder.tracing.stats().warnings['traceparent malformed']).toBe(3)
    expect(warn).toHaveBeenCalledTimes(1)
  })
})

describe('where the trace is sent along', () => {
  async function passedOn(options: TracingOptions, host: string): Promise<boolean> {
    record(options)
    const { propagateTo } = (await import('../src/options/resolve-options.ts')).resolveOptions(options)
    return propagateTo?.(new URL(`http://${host}/`)) ?? false
  }

  it.each([
    'localhost',
    '127.0.0.1',
    '[::1]',
    '10.1.2.3',
    '172.20.0.1',
    '192.168.1.1',
    'rag',
    'rag.default.svc',
    'x.svc.cluster.local',
    'db.internal',
  ])('by default to %s', async host => expect(await passedOn({}, host)).toBe(true))

  it.each([
    'api.openai.com',
    '8.8.8.8',
    '172.32.0.1',
    '[2606:4700::1]',
    'internal.example.com',
    '10.evil.com',
    'localhost.evil.com',
  ])('by default not to %s', async host => expect(await passedOn({}, host)).toBe(false))

  it('to the hosts that are named', async () => {
    expect(
      await passedOn({ propagateTo: ['api.example.com', '*.corp.example', /^eu-\d+\./] }, 'api.example.com'),
    ).toBe(true)
    for (const [host, sent] of [
      ['a.corp.example', true],
      ['corp.example.evil.com', false],
      ['eu-1.example.com', true],
      ['localhost', false],
    ] as const) {
      await recorder.close()
      expect([host, await passedOn({ propagateTo: ['*.corp.example', /^eu-\d+\./] }, host)]).toEqual([
        host,
        sent,
      ])
    }
  })

  it('and to no other: a third party sees nothing of ours', async () => {
    record({ propagateTo: ['somewhere.else'] })
    let seen: IncomingHttpHeaders = {}
    const url = await serve({}, headers => {
      seen = headers
    })
    await traceJob('job', async () => {
      currentRequest()?.setUser('ada')
      await fetch(`${url}/called`)
    })
    expect(Object.keys(seen).filter(name => /trace|baggage|langfuse/.test(name))).toEqual([])
  })

  it('and by no library that asks OpenTelemetry for a propagator, as those of LLM providers do', async () => {
    record({})
    const headers = {}
    await traceJob('job', async () => propagation.inject(context.active(), headers))
    expect(headers).toEqual({})
  })
})

describe('by hand', () => {
  it.each([
    ['Headers', () => new Headers(), (carrier: Headers, name: string) => carrier.get(name)],
    ['a plain object', () => ({}), (carrier: Record<string, unknown>, name: string) => carrier[name]],
  ] as const)('writes to %s', async (_kind, create, read) => {
    record()
    await traceJob('job', () => {
      currentRequest()?.setSession('s 1')
      const traceId = currentRequest()?.traceId
      const carrier = injectTraceHeaders(create() as Headers)
      const get = read as (carrier: unknown, name: string) => unknown
      expect(get(carrier, 'traceparent')).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`))
      expect(get(carrier, 'baggage')).toBe(
        `langfuse_trace_id=${traceId},langfuse_session_id=s%201,langfuse_trace_name=job`,
      )
      expect(get(carrier, 'x-langfuse-trace-id')).toBe(traceId)
      expect(get(carrier, 'x-langfuse-session-id')).toBe('s%201')
    })
  })

  it('writes nothing outside of a trace', () => {
    record()
    expect(injectTraceHeaders({})).toEqual({})
  })

  it('continues a trace through a queue whose headers are bytes', async () => {
    record()
    let message: Record<string, unknown> = {}
    await traceJob('produce', () => {
      currentRequest()?.setUser('ada')
      message = injectTraceHeaders({})
    })
    const bytes = Object.fromEntries(
      Object.entries(message).map(([name, value]) => [name, Buffer.from(String(value))]),
    )
    await traceJob('consume', () => safeTrace('work', () => {}), { from: extractTraceContext(bytes) })
    const [trace, ...others] = await recorder.traces()
    expect(others).toEqual([])
    expect(trace?.root?.children.map(child => child.name)).toEqual(['consume'])
    expect(trace?.observations.map(one => one.userId)).toEqual(['ada', 'ada', 'ada'])
  })
})

describe('the response', () => {
  it('names trace and request, where the app has not', async () => {
    record()
    const url = await serve({}, () => ({ headers: { 'x-request-id': 'own' } }))
    const { headers } = await call(url, {})
    expect(headers['x-langfuse-trace-id']).toBe((await called()).id)
    expect(headers['x-request-id']).toBe('own')
    expect(headers['access-control-expose-headers']).toBeUndefined()
  })

  it('under another name, or not at all', async () => {
    record()
    expect((await call(await serve({ traceIdHeader: 'x-trace' }), {})).headers['x-trace']).toMatch(
      /^[0-9a-f]{32}$/,
    )
    const { headers } = await call(await serve({ traceIdHeader: false, identity: { requestId: false } }), {})
    expect(headers['x-langfuse-trace-id']).toBeUndefined()
    expect(headers['x-request-id']).toBeUndefined()
  })

  it.each([
    [undefined, 'x-request-id, x-langfuse-trace-id'],
    ['X-Total, X-Request-Id', 'X-Total, X-Request-Id, x-langfuse-trace-id'],
    ['*', '*'],
  ])('is readable by a page of another origin that may read it: %s', async (own, expected) => {
    record()
    const url = await serve({}, () => ({
      headers: {
        'access-control-allow-origin': '*',
        ...(own !== undefined && { 'access-control-expose-headers': own }),
      },
    }))
    const { headers } = await call(url, { origin: 'https://page.example' })
    expect(headers['access-control-expose-headers']).toBe(expected)
  })
})
