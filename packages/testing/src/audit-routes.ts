import { AsyncResource } from 'node:async_hooks'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import {
  currentRequest,
  getRequestContext,
  type RequestTrace,
  type RouteOptions,
  safeTrace,
} from '@langfuse-middleware/core'

/** What an adapter hands to a handler of the audit's application. */
export interface AuditCall {
  /** What the adapter put on the request. */
  readonly trace: RequestTrace
  /** Node's request and response, below the framework's. */
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Tells the framework that the handler answers on `response` itself. */
  takeOver(): void
}

/** An answer for the framework to send. */
export interface AuditReply {
  readonly status?: number
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent in place of `body`, as the framework's users send a stream. */
  readonly stream?: Readable
}

/** One route of the audit's application, to be added in the framework's own way. */
export interface AuditRoute {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** How the route is traced. */
  readonly options?: RouteOptions | false
  /** Whether the framework parses a JSON body before the handler. */
  readonly parsesBody?: boolean
  /** Id of the user that authentication puts on the framework's request before the handler, as `user.id`. */
  readonly userId?: string
  /** Whether the framework compresses the answer, whatever its size, for a client that accepts gzip. */
  readonly compresses?: boolean
  /** Whether the adapter is mounted again in front of this route, if the framework lets an app do that. */
  readonly mountsAgain?: boolean
  /** A middleware or hook in front of the handler. Calls `proceed` in another async context. */
  readonly before?: (proceed: () => void) => void
  /** Throws and rejects as the framework's users do; undefined means that `response` was used. */
  readonly handle: (call: AuditCall) => AuditReply | Promise<AuditReply | undefined> | undefined
}

const ok = (body: unknown): AuditReply => ({ body })

const coalesced: (() => void)[] = []
// Created with the module, outside of any request.
const pooledConnection = new AsyncResource('pooled connection')

/** Observes something and tells whether the code before, in and after it belongs to the request. */
async function observedContext({ trace }: AuditCall): Promise<AuditReply> {
  const own = [currentRequest() === trace]
  await safeTrace('answer', async () => {
    own.push(currentRequest() === trace)
    await delay(1)
  })
  own.push(currentRequest() === trace)
  return ok({ own, requestId: getRequestContext()?.requestId })
}

async function* chunks(breaks: boolean): AsyncGenerator<Buffer> {
  for (let chunk = 0; chunk < 4; chunk += 1) {
    yield Buffer.from('chunk ')
    await delay(10)
  }
  if (breaks) throw new Error('the source broke')
  yield Buffer.from('done')
}

/** The application that the audits talk to. */
export const auditRoutes: readonly AuditRoute[] = [
  { method: 'GET', path: '/users/:id', handle: () => ok({ found: true }) },
  { method: 'GET', path: '/teapot', handle: () => ({ status: 418, body: {} }) },
  { method: 'GET', path: '/unavailable', handle: () => ({ status: 503, body: {} }) },
  {
    method: 'GET',
    path: '/throw',
    handle() {
      throw new Error('thrown on purpose')
    },
  },
  { method: 'GET', path: '/reject', handle: async () => Promise.reject(new Error('rejected on purpose')) },
  {
    method: 'GET',
    path: '/children',
    async handle() {
      await delay(5)
      await safeTrace('outer', async () => {
        await delay(5)
        safeTrace('inner', () => {})
      })
      return ok({})
    },
  },
  {
    method: 'GET',
    path: '/slow',
    async handle() {
      const startedAt = performance.now()
      await delay(60)
      return ok({ elapsedMs: performance.now() - startedAt })
    },
  },
  {
    method: 'GET',
    path: '/late-user',
    handle({ trace }) {
      safeTrace('before', () => {})
      trace.setUser('late')
      trace.setSession('later')
      trace.addTags('vip')
      return ok({})
    },
  },
  {
    method: 'GET',
    path: '/update',
    handle({ trace }) {
      trace.setName('renamed')
      trace.update({ input: { question: 'why' }, output: 'because', metadata: { plan: 'pro' } })
      return ok({})
    },
  },
  {
    method: 'GET',
    path: '/named',
    options: { name: 'a named route', tags: ['configured'] },
    handle: () => ok({}),
  },
  {
    method: 'GET',
    path: '/skipped',
    options: false,
    handle() {
      safeTrace('must not be seen', () => {})
      return ok({ context: getRequestContext()?.requestId !== undefined })
    },
  },
  {
    method: 'GET',
    path: '/context',
    async handle({ trace }) {
      const own = currentRequest() === trace
      await delay(1)
      const afterAwait = currentRequest() === trace
      const inTimer = await new Promise<boolean>(resolve => {
        setTimeout(() => resolve(currentRequest() === trace), 1)
      })
      const inStream = await new Promise<boolean>(resolve => {
        Readable.from(['x']).on('data', () => resolve(currentRequest() === trace))
      })
      return ok({ own, afterAwait, inTimer, inStream, requestId: getRequestContext()?.requestId })
    },
  },
  {
    method: 'GET',
    path: '/interleaved',
    async handle({ trace }) {
      for (let turn = 0; turn < 5; turn += 1) {
        await delay(turn % 3)
        await safeTrace(`turn ${turn}`, () => delay(1))
      }
      return ok({ requestId: getRequestContext()?.requestId, own: currentRequest() === trace })
    },
  },
  {
    method: 'POST',
    path: '/raw-body',
    async handle({ trace, request, response, takeOver }) {
      takeOver()
      response.on('finish', () => safeTrace(`in finish: ${currentRequest() === trace}`, () => {}))
      const seen: boolean[] = []
      const gone = () => {
        seen.push(false)
      }
      request.on('data', () => seen.push(currentRequest() === trace))
      request.once('end', () => seen.push(currentRequest() === trace))
      request.on('pause', gone)
      request.removeListener('pause', gone)
      await once(request, 'end')
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ seen, listeners: request.listenerCount('pause') }))
      return undefined
    },
  },
  {
    method: 'GET',
    path: '/stream',
    async handle({ response, takeOver }) {
      takeOver()
      const startedAt = performance.now()
      response.writeHead(200, { 'content-type': 'text/plain' })
      for (let chunk = 0; chunk < 4; chunk += 1) {
        response.write('chunk ')
        await delay(15)
      }
      response.end(String(performance.now() - startedAt))
      return undefined
    },
  },
  {
    method: 'GET',
    path: '/captured',
    options: { capture: { query: ['page'], responseBody: true } },
    handle: () => ok({ role: 'assistant', content: 'hello', api_key: 'secret' }),
  },
  {
    method: 'GET',
    path: '/captured-stream',
    options: { capture: { responseBody: true } },
    async handle({ response, takeOver }) {
      takeOver()
      response.setHeader('content-type', 'text/event-stream')
      for (const content of ['Hel', 'lo']) {
        response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`)
        await delay(5)
      }
      response.end('data: [DONE]\n\n')
      return undefined
    },
  },
  {
    method: 'GET',
    path: '/endless',
    async handle({ trace, response, takeOver }) {
      takeOver()
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.on('error', () => {})
      while (!trace.signal.aborted && !response.destroyed) {
        response.write('more ')
        await delay(5)
      }
      return undefined
    },
  },
  {
    method: 'GET',
    path: '/broken-stream',
    handle({ response, takeOver }) {
      takeOver()
      response.on('error', () => {})
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.write('so far ')
      setTimeout(() => response.destroy(new Error('the source broke')), 20)
      return undefined
    },
  },
  {
    method: 'GET',
    path: '/socket-listeners',
    handle({ request: { socket } }) {
      const counts = socket.eventNames().map(name => socket.listenerCount(name))
      return ok(counts.reduce((sum, count) => sum + count, 0))
    },
  },
  { method: 'GET', path: '/sent-stream', handle: () => ({ stream: Readable.from(chunks(false)) }) },
  { method: 'GET', path: '/sent-broken-stream', handle: () => ({ stream: Readable.from(chunks(true)) }) },
  {
    method: 'POST',
    path: '/parsed-body',
    parsesBody: true,
    options: { capture: { requestBody: true } },
    handle: () => ok({}),
  },
  {
    method: 'GET',
    path: '/authenticated',
    userId: 'grace',
    handle() {
      safeTrace('child', () => {})
      return ok({})
    },
  },
  {
    method: 'GET',
    path: '/compressed',
    compresses: true,
    options: { capture: { responseBody: true } },
    handle: () => ok({ role: 'assistant', content: 'hello '.repeat(1_000) }),
  },
  { method: 'GET', path: '/mounted-again', mountsAgain: true, handle: observedContext },
  {
    method: 'GET',
    path: '/destroyed',
    handle({ request, takeOver }) {
      takeOver()
      request.socket.destroy()
      return undefined
    },
  },
  {
    method: 'GET',
    path: '/coalesced',
    // Three requests wait for one result, and all of them continue in the context of the last, as with lru-memoizer.
    before(proceed) {
      coalesced.push(proceed)
      if (coalesced.length === 3) for (const each of coalesced.splice(0)) each()
    },
    handle: observedContext,
  },
  {
    method: 'GET',
    path: '/pooled',
    before: proceed => void setImmediate(() => pooledConnection.runInAsyncScope(proceed)),
    handle: observedContext,
  },
  {
    method: 'GET',
    path: '/never',
    handle({ takeOver }) {
      takeOver()
      return undefined
    },
  },
]
