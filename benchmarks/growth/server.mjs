// An app with a route that answers and one that does not, told by its argument whether it is traced and where to. Answers over IPC.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { framework, baseUrl } = JSON.parse(process.argv[2])
const silent = { info() {}, warn() {}, error: message => process.stderr.write(`${message}\n`) }
const options = {
  publicKey: 'pk-lf-benchmark',
  secretKey: 'sk-lf-benchmark',
  baseUrl,
  logger: silent,
  shutdown: { signals: false },
}
const traced = baseUrl !== undefined
const tracing = () => require('@langfuse-middleware/core').getTracing()

const questions = {
  use() {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  open: () => tracing().stats().requests.open,
  waiting: () => tracing().stats().delivery.langfuse.waiting,
  async flushed() {
    await tracing().flush()
    return questions.waiting()
  },
}
process.on('message', async question => {
  process.send({ answer: await questions[question]() })
})
process.on('disconnect', () => process.exit())
process.send({ port: await { express: serveExpress, fastify: serveFastify }[framework]() })

function serveExpress() {
  const app = require('express')()
  if (traced) app.use(require('@langfuse-middleware/express').langfuseMiddleware(options))
  app.get('/hello', (_request, response) => {
    response.json({ hello: 'world' })
  })
  app.get('/hold', () => {})
  return new Promise(resolve => {
    const server = app.listen(0, '127.0.0.1', () => resolve(server.address().port))
  })
}

async function serveFastify() {
  const app = require('fastify')()
  if (traced) app.register(require('@langfuse-middleware/fastify').langfusePlugin, options)
  app.get('/hello', async () => ({ hello: 'world' }))
  app.get('/hold', () => new Promise(() => {}))
  return Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)
}
