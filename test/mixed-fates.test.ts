import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { LangfuseSpanProcessor } from '@langfuse/otel'
import { getTracing, initTracing, safeTrace } from '@langfuse-middleware/core'
import { langfuseErrorHandler, langfuseMiddleware } from '@langfuse-middleware/express'
import langfusePlugin from '@langfuse-middleware/fastify'
import express from 'express'
import fastify from 'fastify'
import { sendMixedFates } from './load.ts'

const express4 = require('express4') as typeof express
const fastify4 = require('fastify4') as typeof fastify

type Begin = (response: ServerResponse) => void

const begin: Begin = response => {
  response.writeHead(200)
  response.write('so far')
}

/** Traces of some requests, held weakly. */
type Sample = WeakRef<object>[]

function serveExpress(create: typeof express, sample: Sample): Promise<Server> {
  let count = 0
  const app = create()
  app.set('env', 'test')
  app.use(langfuseMiddleware())
  app.use((request, _response, next) => {
    count += 1
    if (count % 50 === 0) sample.push(new WeakRef(request.langfuse))
    next()
  })
  app.get('/ok/:id', (_request, response) => {
    safeTrace('child', () => {})
    response.json({})
  })
  app.get('/throws', () => {
    throw new Error('on purpose')
  })
  app.get('/never', () => {})
  app.get('/streams', (_request, response) => begin(response))
  app.use(langfuseErrorHandler())
  return listening(createServer(app))
}

async function serveFastify(create: typeof fastify, sample: Sample): Promise<Server> {
  let count = 0
  let handle: (request: IncomingMessage, response: ServerResponse) => void = () => {}
  const app = create({
    serverFactory: listener => {
      handle = listener
      return createServer()
    },
  })
  await app.register(langfusePlugin)
  app.addHook('onRequest', async request => {
    count += 1
    if (count % 50 === 0) sample.push(new WeakRef(request.langfuse))
  })
  app.get('/ok/:id', async () => {
    safeTrace('child', () => {})
    return {}
  })
  app.get('/throws', async () => {
    throw new Error('on purpose')
  })
  app.get('/never', (_request, reply) => {
    reply.hijack()
  })
  app.get('/streams', (_request, reply) => {
    reply.hijack()
    begin(reply.raw)
  })
  await app.ready()
  return listening(createServer(handle))
}

async function listening(server: Server): Promise<Server> {
  // The watched connection waits while the others come and go.
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

describe.each([
  ['Express 5', 100_000, (sample: Sample) => serveExpress(express, sample)],
  ['Fastify 5', 100_000, (sample: Sample) => serveFastify(fastify, sample)],
  ['Express 4', 20_000, (sample: Sample) => serveExpress(express4, sample)],
  ['Fastify 4', 20_000, (sample: Sample) => serveFastify(fastify4, sample)],
] as const)('requests of every fate on %s', (_name, requests, serve) => {
  let server: Server

  afterEach(async () => {
    server.closeAllConnections()
    server.close()
    await getTracing()?.shutdown()
  })

  it(`leaves nothing behind after ${requests}`, async () => {
    // Langfuse's processor keeps what has begun until it ends: it is found by its first call.
    let processor: { spanExportExpectationById: Map<string, unknown> } | undefined
    const { onStart } = LangfuseSpanProcessor.prototype
    LangfuseSpanProcessor.prototype.onStart = function (...args) {
      processor = this as never
      LangfuseSpanProcessor.prototype.onStart = onStart
      return onStart.apply(this, args)
    }
    const names = new Set<string>()
    const tracing = initTracing({
      logger: { info() {}, warn() {}, error() {} },
      shutdown: { signals: false },
      exporter: {
        export(spans, done) {
          for (const span of spans) names.add(span.name)
          done({ code: 0 })
        },
        shutdown: async () => {},
      },
    })
    const sample: Sample = []
    server = await serve(sample)
    const { port } = server.address() as AddressInfo
    const watched = await keptAlive(server, port)
    const listenersBefore = listenerCounts(watched.served)

    await sendMixedFates(port, () => tracing.stats().requests.started >= requests)
    for (let count = 0; count < 200; count += 1) await watched.ask()
    const patience = Date.now() + 10_000
    while (tracing.stats().requests.open > 0 && Date.now() < patience) await new Promise(setImmediate)
    await tracing.flush()

    const { requests: counts, buffer } = tracing.stats()
    expect(counts.started).toBeGreaterThanOrEqual(requests)
    expect(counts.ended).toBe(counts.started)
    expect(buffer).toMatchObject({ open: 0, held: 0, heldBytes: 0, unfinished: 0 })
    expect((buffer?.kept ?? 0) + (buffer?.dropped ?? 0)).toBe(counts.started)
    expect([...names].sort()).toEqual([
      'GET',
      'GET /never',
      'GET /ok/:id',
      'GET /streams',
      'GET /throws',
      'child',
    ])
    expect(processor?.spanExportExpectationById.size).toBe(0)
    expect(listenerCounts(watched.served)).toEqual(listenersBefore)

    await new Promise(setImmediate)
    collectGarbage()
    expect(sample.length).toBeGreaterThan(requests / 60)
    // Node holds on to the last request of a connection that is open.
    expect(sample.filter(one => one.deref() !== undefined).length).toBeLessThanOrEqual(1)
    watched.leave()
  }, 120_000)
})

/** A connection that stays open throughout, as the server has it, with a way to ask for one more answer. */
async function keptAlive(server: Server, port: number) {
  const connected = once(server, 'connection')
  const socket = connect(port, '127.0.0.1')
  const [served] = (await connected) as [Socket]
  const ask = async () => {
    socket.write('GET /ok/0 HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(socket, 'data')
  }
  await ask()
  return { served, ask, leave: () => socket.destroy() }
}

function listenerCounts(socket: Socket): Record<string, number> {
  return Object.fromEntries(socket.eventNames().map(name => [String(name), socket.listenerCount(name)]))
}
