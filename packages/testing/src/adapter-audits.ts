import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { call, rawConnection, until } from './audit-client.ts'
import type { RecordedTrace } from './recorded-trace.ts'
import type { Recorder } from './recorder.ts'

/** A running server that serves `auditRoutes` through the adapter under audit, with tracing recorded. */
export interface AuditTarget {
  readonly port: number
  readonly recorder: Recorder
}

/** What an adapter owes: the rules in CONTRIBUTING. */
export type AdapterRule =
  | 'start'
  | 'context'
  | 'name'
  | 'request'
  | 'payload'
  | 'error'
  | 'end'
  | 'route'
  | 'neutral'

/** One thing that every adapter must do. */
export interface AdapterAudit {
  readonly id: string
  /** The rule that it holds. */
  readonly rule: AdapterRule
  /** A sentence that is true of an adapter that passes. */
  readonly name: string
  /** Rejects if it is not true of `target`. */
  run(target: AuditTarget): Promise<void>
}

// Times on an observation are rounded to milliseconds.
const ROUNDING_MS = 2

let serial = 0

/** Finds the trace of the request that carried `id`. */
function traceOf({ recorder }: AuditTarget, id: string): Promise<RecordedTrace> {
  return recorder.waitFor(trace => trace.root?.metadata.requestId === id)
}

function newId(): string {
  serial += 1
  return `audit-${serial}-${Math.random().toString(36).slice(2)}`
}

/** Calls `path` and returns the answer with the trace it left. */
async function callAndTrace(target: AuditTarget, path: string, options: Parameters<typeof call>[2] = {}) {
  const id = newId()
  const answer = await call(target.port, path, {
    ...options,
    headers: { 'x-request-id': id, ...options.headers },
  })
  return { answer, trace: await traceOf(target, id) }
}

function rootOf(trace: RecordedTrace) {
  assert.ok(trace.root, 'the trace has a root')
  assert.deepEqual(trace.orphans, [], 'every observation has its parent')
  return trace.root
}

function raw(path: string, id: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: audit\r\nx-request-id: ${id}\r\n\r\n`
}

/** Calls `path` a few times at once, and expects that what each handler observes is in the trace of its own request. */
async function keepsContext(target: AuditTarget, path: string, count: number): Promise<void> {
  const ids = Array.from({ length: count }, newId)
  const answers = await Promise.all(
    ids.map(id => call(target.port, path, { headers: { 'x-request-id': id, 'x-user-id': id } })),
  )
  for (const [index, id] of ids.entries()) {
    assert.deepEqual(JSON.parse(answers[index]?.body ?? ''), { own: [true, true, true], requestId: id })
    const trace = await traceOf(target, id)
    assert.deepEqual(
      rootOf(trace).children.map(({ name, userId }) => ({ name, userId })),
      [{ name: 'answer', userId: id }],
    )
  }
}

/** Everything an adapter must get right, to be run one after the other against one server. */
export const adapterAudits: readonly AdapterAudit[] = [
  {
    id: 'name',
    rule: 'name',
    name: 'names a trace by method and route template',
    async run(target) {
      const { answer, trace } = await callAndTrace(target, '/users/42?token=secret&page=2')
      const root = rootOf(trace)
      assert.equal(answer.status, 200)
      assert.equal(root.name, 'GET /users/:id')
      assert.equal(root.parentId, undefined)
      assert.equal(root.level, 'DEFAULT')
      assert.equal(root.metadata.route, '/users/:id')
      assert.equal(root.metadata.statusCode, 200)
      assert.deepEqual(root.input, { method: 'GET', path: '/users/42', query: ['token', 'page'] })
      assert.deepEqual(root.output, { statusCode: 200 })
      assert.ok(!JSON.stringify(root.attributes).includes('secret'), 'no query value is captured')
    },
  },
  {
    id: 'measures',
    rule: 'end',
    name: 'measures duration, time to first byte and size',
    async run(target) {
      const { answer, trace } = await callAndTrace(target, '/slow')
      const root = rootOf(trace)
      const { elapsedMs } = JSON.parse(answer.body)
      assert.ok(root.durationMs >= elapsedMs - ROUNDING_MS, 'lasts as long as the handler')
      assert.ok((root.metadata.timeToFirstByteMs as number) >= elapsedMs - ROUNDING_MS)
      assert.equal(root.metadata.responseBytes, Buffer.byteLength(answer.body))
    },
  },
  {
    id: 'not-found',
    rule: 'name',
    name: 'does not name a trace by the path of a request that no route took',
    async run(target) {
      const { answer, trace } = await callAndTrace(target, '/no/such/path')
      assert.equal(answer.status, 404)
      assert.equal(rootOf(trace).name, 'GET')
      assert.equal(rootOf(trace).level, 'WARNING')
    },
  },
  {
    id: 'level',
    rule: 'end',
    name: 'takes the level from the status',
    async run(target) {
      assert.equal(rootOf((await callAndTrace(target, '/teapot')).trace).level, 'WARNING')
      const root = rootOf((await callAndTrace(target, '/unavailable')).trace)
      assert.equal(root.level, 'ERROR')
      assert.equal(root.statusMessage, 'HTTP 503')
    },
  },
  {
    id: 'errors',
    rule: 'error',
    name: 'records the error that left a handler, thrown or rejected',
    async run(target) {
      for (const [path, message] of [
        ['/throw', 'thrown on purpose'],
        ['/reject', 'rejected on purpose'],
      ] as const) {
        const { answer, trace } = await callAndTrace(target, path)
        const root = rootOf(trace)
        assert.equal(answer.status, 500)
        assert.equal(root.name, `GET ${path}`)
        assert.equal(root.level, 'ERROR')
        assert.equal(root.statusMessage, `Error: ${message}`)
      }
    },
  },
  {
    id: 'nesting',
    rule: 'context',
    name: 'nests what the handler observes under the root, with its identity',
    async run(target) {
      const { trace } = await callAndTrace(target, '/children', {
        headers: { 'x-user-id': 'ada', 'x-session-id': 'session-1' },
      })
      const root = rootOf(trace)
      assert.deepEqual(
        root.children.map(child => child.name),
        ['outer'],
      )
      assert.deepEqual(
        root.children[0]?.children.map(child => child.name),
        ['inner'],
      )
      for (const observation of trace.observations) {
        assert.equal(observation.userId, 'ada', observation.name)
        assert.equal(observation.sessionId, 'session-1', observation.name)
        assert.ok(observation.environment, observation.name)
      }
    },
  },
  {
    id: 'late-identity',
    rule: 'start',
    name: 'gives identity that arrives late to earlier observations too',
    async run(target) {
      const { trace } = await callAndTrace(target, '/late-user')
      assert.equal(trace.observations.length, 2)
      for (const observation of trace.observations) {
        assert.equal(observation.userId, 'late')
        assert.equal(observation.sessionId, 'later')
        assert.deepEqual(observation.tags, ['vip'])
      }
    },
  },
  {
    id: 'update',
    rule: 'start',
    name: 'lets the handler name the trace and set its input, output and metadata',
    async run(target) {
      const root = rootOf((await callAndTrace(target, '/update')).trace)
      assert.equal(root.name, 'renamed')
      assert.deepEqual(root.input, { question: 'why' })
      assert.equal(root.output, 'because')
      assert.equal(root.metadata.plan, 'pro')
    },
  },
  {
    id: 'route-options',
    rule: 'route',
    name: 'takes name and tags from the route',
    async run(target) {
      const root = rootOf((await callAndTrace(target, '/named')).trace)
      assert.equal(root.name, 'a named route')
      assert.deepEqual(root.tags, ['configured'])
    },
  },
  {
    id: 'opt-out',
    rule: 'route',
    name: 'emits nothing for a route that opted out, children included, and keeps its context',
    async run(target) {
      const before = (await target.recorder.traces()).length
      const answer = await call(target.port, '/skipped')
      assert.deepEqual(JSON.parse(answer.body), { context: true })
      const { trace } = await callAndTrace(target, '/users/1')
      rootOf(trace)
      assert.equal((await target.recorder.traces()).length, before + 1)
    },
  },
  {
    id: 'context',
    rule: 'context',
    name: 'keeps the request in every continuation of the handler',
    async run(target) {
      const id = newId()
      const answer = await call(target.port, '/context', { headers: { 'x-request-id': id } })
      assert.deepEqual(JSON.parse(answer.body), {
        own: true,
        afterAwait: true,
        inTimer: true,
        inStream: true,
        requestId: id,
      })
    },
  },
  {
    id: 'raw-body',
    rule: 'context',
    name: "keeps the request in listeners of Node's request and response",
    async run(target) {
      const id = newId()
      const answer = await call(target.port, '/raw-body', {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream', 'x-request-id': id },
        body: ['one', 'two', 'three'],
      })
      const { seen, listeners } = JSON.parse(answer.body)
      assert.ok(seen.length >= 3, 'the body came in chunks')
      assert.ok(
        seen.every((own: boolean) => own),
        'every listener ran in the request',
      )
      assert.equal(listeners, 0, 'a removed listener is gone')
      const trace = await target.recorder.waitFor(
        one => one.root?.metadata.requestId === id && one.observations.length === 2,
      )
      assert.equal(rootOf(trace).children[0]?.name, 'in finish: true')
    },
  },
  {
    id: 'concurrency',
    rule: 'context',
    name: 'keeps concurrent requests apart',
    async run(target) {
      const ids = Array.from({ length: 50 }, newId)
      const answers = await Promise.all(
        ids.map(id =>
          call(target.port, '/interleaved', { headers: { 'x-request-id': id, 'x-user-id': id } }),
        ),
      )
      for (const [index, id] of ids.entries()) {
        assert.deepEqual(JSON.parse(answers[index]?.body ?? ''), { requestId: id, own: true })
        const trace = await traceOf(target, id)
        assert.equal(rootOf(trace).children.length, 5)
        assert.ok(trace.observations.every(observation => observation.userId === id))
      }
    },
  },
  {
    id: 'coalesced-context',
    rule: 'context',
    name: 'keeps requests apart that continue from one shared callback',
    run: target => keepsContext(target, '/coalesced', 3),
  },
  {
    id: 'pooled-context',
    rule: 'context',
    name: 'keeps a request that continues from a callback of no request',
    run: target => keepsContext(target, '/pooled', 1),
  },
  {
    id: 'request-id',
    rule: 'request',
    name: 'generates a request id where there is none fit to use, and names it in the response',
    async run(target) {
      const given = await call(target.port, '/users/1', { headers: { 'x-request-id': 'given' } })
      assert.equal(given.headers['x-request-id'], 'given')
      for (const unfit of ['', 'x'.repeat(201)]) {
        const { headers } = await call(target.port, '/users/1', { headers: { 'x-request-id': unfit } })
        const id = headers['x-request-id'] as string
        assert.match(id, /^[0-9a-f-]{36}$/)
        await traceOf(target, id)
      }
    },
  },
  {
    id: 'unfit-identity',
    rule: 'request',
    name: 'drops a user id that is not fit to keep',
    async run(target) {
      const { trace } = await callAndTrace(target, '/users/1', { headers: { 'x-user-id': 'x'.repeat(201) } })
      assert.equal(rootOf(trace).userId, undefined)
    },
  },
  {
    id: 'strangers',
    rule: 'request',
    name: 'takes nothing from a stranger through trace headers',
    async run(target) {
      const { trace } = await callAndTrace(target, '/children', {
        headers: {
          traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
          baggage: 'langfuse_user_id=victim,langfuse_session_id=theirs,langfuse_trace_name=spoofed',
        },
      })
      const root = rootOf(trace)
      assert.notEqual(trace.id, '0af7651916cd43dd8448eb211c80319c')
      assert.equal(root.name, 'GET /children')
      assert.ok(trace.observations.length === 3, 'an unsampled flag silences nothing')
      assert.ok(!JSON.stringify(trace.observations.map(one => one.attributes)).match(/victim|theirs|spoofed/))
    },
  },
  {
    id: 'stream',
    rule: 'end',
    name: 'ends a streamed response with its last byte',
    async run(target) {
      const { answer, trace } = await callAndTrace(target, '/stream')
      const root = rootOf(trace)
      const elapsedMs = Number(answer.body.replaceAll('chunk ', ''))
      assert.ok(root.durationMs >= elapsedMs - ROUNDING_MS, 'lasts as long as the stream')
      assert.ok((root.metadata.timeToFirstByteMs as number) < root.durationMs)
      assert.ok((root.metadata.responseBytes as number) >= Buffer.byteLength(answer.body))
      assert.equal(root.metadata.end, 'completed')
    },
  },
  {
    id: 'abort-before-headers',
    rule: 'end',
    name: 'records a client that left before any header, without a status',
    async run(target) {
      const id = newId()
      const { socket } = await rawConnection(target.port, raw('/never', id))
      await until('the request', () => target.recorder.tracing.stats().requests.open > 0)
      socket.destroy()
      const root = rootOf(await traceOf(target, id))
      assert.equal(root.name, 'GET /never')
      assert.equal(root.metadata.end, 'client_aborted')
      assert.equal(root.metadata.statusCode, undefined)
      assert.equal(root.level, 'WARNING')
    },
  },
  {
    id: 'half-close',
    rule: 'end',
    name: 'records a client that closed its side and went',
    async run(target) {
      const id = newId()
      const { socket } = await rawConnection(target.port, raw('/never', id))
      socket.end()
      const root = rootOf(await traceOf(target, id))
      assert.equal(root.metadata.end, 'client_aborted')
      assert.equal(root.metadata.statusCode, undefined)
    },
  },
  {
    id: 'abort-mid-stream',
    rule: 'end',
    name: 'records a client that left mid-stream, with the status it was sent, and aborts the signal',
    async run(target) {
      const id = newId()
      const { socket, received } = await rawConnection(target.port, raw('/endless', id))
      await until('the first chunk', () => received().includes('more'))
      socket.destroy()
      const root = rootOf(await traceOf(target, id))
      assert.equal(root.metadata.end, 'client_aborted')
      assert.equal(root.metadata.statusCode, 200)
    },
  },
  {
    id: 'broken-stream',
    rule: 'end',
    name: 'records a stream whose source broke as an error, with the status it was sent',
    async run(target) {
      const id = newId()
      await assert.rejects(call(target.port, '/broken-stream', { headers: { 'x-request-id': id } }))
      const root = rootOf(await traceOf(target, id))
      assert.equal(root.metadata.end, 'stream_error')
      assert.equal(root.metadata.statusCode, 200)
      assert.equal(root.level, 'ERROR')
    },
  },
  {
    id: 'sent-stream',
    rule: 'end',
    name: 'ends a stream that the framework sends with its last byte',
    async run(target) {
      const { answer, trace } = await callAndTrace(target, '/sent-stream')
      const root = rootOf(trace)
      assert.equal(answer.body, 'chunk chunk chunk chunk done')
      assert.ok((root.metadata.responseBytes as number) >= answer.body.length, 'counts every byte')
      assert.equal(root.metadata.end, 'completed')
      assert.equal(root.name, 'GET /sent-stream')
    },
  },
  {
    id: 'sent-broken-stream',
    rule: 'error',
    name: 'records a stream that the framework sends and whose source broke as an error',
    async run(target) {
      const id = newId()
      const { socket, received } = await rawConnection(target.port, raw('/sent-broken-stream', id))
      await until('the last chunk', () => received().split('chunk ').length === 5)
      // Some frameworks, such as Koa 2, leave the response open, until the client gives up.
      await Promise.race([once(socket, 'close'), delay(1_000)])
      socket.destroy()
      const root = rootOf(await traceOf(target, id))
      assert.notEqual(root.metadata.end, 'completed')
      assert.equal(root.metadata.statusCode, 200)
      // A response that is left open ends as one that the client aborted, with the error in its metadata.
      assert.ok(root.level === 'ERROR' || String(root.metadata.error).includes('the source broke'))
    },
  },
  {
    id: 'parsed-body',
    rule: 'request',
    name: 'captures the request body as the framework parsed it',
    async run(target) {
      const { trace } = await callAndTrace(target, '/parsed-body', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: ['{"question":', '"why","api_key":"secret"}'],
      })
      assert.deepEqual(rootOf(trace).input, { question: 'why', api_key: '[redacted]' })
    },
  },
  {
    id: 'authenticated',
    rule: 'request',
    name: "takes the user that authentication put on the framework's request",
    async run(target) {
      const { trace } = await callAndTrace(target, '/authenticated')
      assert.deepEqual(
        [rootOf(trace), ...rootOf(trace).children].map(({ userId }) => userId),
        ['grace', 'grace'],
      )
    },
  },
  {
    id: 'compressed',
    rule: 'payload',
    name: 'captures what the handler sent, if the framework compresses it',
    async run(target) {
      const { answer, trace } = await callAndTrace(target, '/compressed', {
        headers: { 'accept-encoding': 'gzip' },
      })
      assert.equal(answer.headers['content-encoding'], 'gzip')
      assert.deepEqual(rootOf(trace).output, { role: 'assistant', content: 'hello '.repeat(1_000) })
    },
  },
  {
    id: 'mounted-twice',
    rule: 'start',
    name: 'traces a request once, if the adapter is mounted twice',
    async run(target) {
      const { answer, trace } = await callAndTrace(target, '/mounted-again')
      const { requestId } = rootOf(trace).metadata
      assert.deepEqual(JSON.parse(answer.body), { own: [true, true, true], requestId })
      await until('the end of every request', () => target.recorder.tracing.stats().requests.open === 0)
      const roots = (await target.recorder.traces()).map(({ root }) => root?.metadata.requestId)
      assert.equal(roots.filter(id => id === requestId).length, 1)
    },
  },
  {
    id: 'capture',
    rule: 'payload',
    name: 'captures what a route asks for, without credentials, and leaves the answer as it is',
    async run(target) {
      const { answer, trace } = await callAndTrace(target, '/captured?page=2&token=secret')
      const said = { role: 'assistant', content: 'hello' }
      assert.deepEqual(JSON.parse(answer.body), { ...said, api_key: 'secret' })
      const root = rootOf(trace)
      assert.deepEqual(root.output, { ...said, api_key: '[redacted]' })
      assert.deepEqual(root.metadata.query, { page: '2' })
      assert.ok(!JSON.stringify(root.attributes).includes('secret'), 'no credential is captured')
    },
  },
  {
    id: 'captured-stream',
    rule: 'payload',
    name: 'puts a streamed answer together, and counts its chunks',
    async run(target) {
      const root = rootOf((await callAndTrace(target, '/captured-stream')).trace)
      assert.deepEqual(root.output, { role: 'assistant', content: 'Hello' })
      assert.equal(root.metadata.chunks, 3)
    },
  },
  {
    id: 'destroyed',
    rule: 'end',
    name: 'records a socket that the server destroyed',
    async run(target) {
      const id = newId()
      await assert.rejects(call(target.port, '/destroyed', { headers: { 'x-request-id': id } }))
      const root = rootOf(await traceOf(target, id))
      assert.equal(root.metadata.end, 'server_aborted')
      assert.equal(root.metadata.statusCode, undefined)
    },
  },
  {
    id: 'pipelined-death',
    rule: 'end',
    name: 'ends every request of a socket that died with responses still queued',
    async run(target) {
      const ids = [newId(), newId(), newId()]
      const lines =
        raw('/never', ids[0] as string) + raw('/users/1', ids[1] as string) + raw('/stream', ids[2] as string)
      const before = target.recorder.tracing.stats().requests.started
      const { socket } = await rawConnection(target.port, lines)
      await until('the three requests', () => target.recorder.tracing.stats().requests.started === before + 3)
      socket.destroy()
      for (const id of ids) {
        const root = rootOf(await traceOf(target, id))
        assert.equal(root.metadata.end, 'client_aborted')
        assert.equal(root.metadata.statusCode, undefined)
      }
    },
  },
  {
    id: 'keep-alive',
    rule: 'neutral',
    name: 'adds no listener per request to a kept-alive socket',
    async run(target) {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      try {
        const counts: number[] = []
        for (let index = 0; index < 5; index += 1) {
          const { answer } = await callAndTrace(target, '/socket-listeners', { agent })
          counts.push(Number(answer.body))
        }
        // The first request finds the connection as it was made.
        assert.equal(counts[4], counts[1])
      } finally {
        agent.destroy()
      }
    },
  },
  {
    id: 'pipelined',
    rule: 'end',
    name: 'ends every one of many pipelined requests',
    async run(target) {
      const ids = Array.from({ length: 30 }, newId)
      const lines = ids.map(id => raw('/users/1', id)).join('')
      const { socket, received } = await rawConnection(target.port, lines)
      await until('thirty answers', () => received().split('HTTP/1.1 200').length === 31)
      socket.destroy()
      for (const id of ids) assert.equal(rootOf(await traceOf(target, id)).metadata.end, 'completed')
    },
  },
  {
    id: 'nothing-left',
    rule: 'end',
    name: 'leaves nothing open behind',
    async run({ recorder }) {
      await until('the end of every request', () => recorder.tracing.stats().requests.open === 0)
      const { buffer } = recorder.tracing.stats()
      assert.equal(buffer?.open, 0)
      assert.equal(buffer?.held, 0)
    },
  },
]
