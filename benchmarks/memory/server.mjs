// The process whose memory is watched, in which requests come to every kind of end: `node --expose-gc server.mjs <framework>
// <bare|traced> <children>`. It answers what it is asked over IPC.
import { createRequire } from 'node:module'
import { PassThrough } from 'node:stream'
import { startObservation } from '@langfuse/tracing'

const require = createRequire(import.meta.url)
const [, , framework, kind, children] = process.argv
const traced = kind === 'traced'
const silent = { info() {}, warn() {}, error() {} }
const options = {
  publicKey: 'pk-lf-benchmark',
  secretKey: 'sk-lf-benchmark',
  // Nothing listens there.
  baseUrl: 'http://127.0.0.1:9',
  logger: silent,
  shutdown: { signals: false, timeoutMs: 100 },
}
let begun = 0

const server = framework === 'express' ? await serveExpress() : await serveFastify()
process.on('message', async question => {
  process.send({ answer: await { heap, begun: () => begun, connections, stats }[question]() })
})
process.on('disconnect', () => process.exit())
process.send({ port: server.address().port })

async function heap() {
  for (let round = 0; round < 3; round += 1) {
    await new Promise(resolve => setTimeout(resolve, 50))
    globalThis.gc()
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
  return { heapUsed, arrayBuffers, rss }
}

function connections() {
  return new Promise(resolve => server.getConnections((_error, count) => resolve(count)))
}

function stats() {
  return traced ? require('@langfuse-middleware/core').getTracing().stats() : undefined
}

function work() {
  for (let index = 0; index < Number(children); index += 1) {
    startObservation(
      `child ${index}`,
      { input: 'question', output: 'answer' },
      { asType: 'generation' },
    ).end()
  }
}

function brokenStream() {
  const stream = new PassThrough()
  stream.write('begun')
  setImmediate(() => stream.destroy(new Error('broken')))
  return stream
}

function serveExpress() {
  const app = require('express')()
  if (traced) app.use(require('@langfuse-middleware/express').langfuseMiddleware(options))
  app.get('/ok/:id', (request, response) => {
    work()
    response.json({ id: request.params.id })
  })
  app.get('/throws', () => {
    work()
    throw new Error('on purpose')
  })
  app.get('/breaks', (_request, response) => {
    work()
    brokenStream()
      .on('error', error => response.destroy(error))
      .pipe(response)
  })
  app.get('/never', () => {
    work()
    begun += 1
  })
  app.use((_error, _request, response, _next) => {
    response.status(500).json({ error: true })
  })
  return new Promise(resolve => {
    const server = app.listen(0, '127.0.0.1', () => resolve(server))
  })
}

async function serveFastify() {
  const app = require('fastify')()
  if (traced) await app.register(require('@langfuse-middleware/fastify').langfusePlugin, options)
  app.get('/ok/:id', async request => {
    work()
    return { id: request.params.id }
  })
  app.get('/throws', async () => {
    work()
    throw new Error('on purpose')
  })
  app.get('/breaks', async (_request, reply) => {
    work()
    return reply.send(brokenStream())
  })
  app.get('/never', (_request, _reply) => {
    work()
    begun += 1
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}
