// Serves one kind of stream with capture as asked for, and tells its parent what that cost: `server.mjs <variant> <stream>`.

import { createServer } from 'node:http'
import { initTracing } from '@langfuse-middleware/core'
import { createRequestTracer } from '@langfuse-middleware/core/adapter'
import { megabytes, streams } from './streams.mjs'

const [, , variant, name] = process.argv
const { type, pieces } = streams[name]
const exporter = { export: (_spans, done) => done({ code: 0 }), shutdown: async () => {} }
const silent = { info() {}, warn() {}, error() {} }

const tracing = initTracing({ exporter, logger: silent, shutdown: { signals: false } })
const tracer = createRequestTracer(variant === 'on' ? { capture: { responseBody: true } } : {})
// Not traced means opted out: a process without tracing has less for its garbage collector to look at, which is not what is compared.
const route = variant === 'untraced' ? false : undefined

const server = createServer(async (request, response) => {
  tracer.start(request, route).endWith(response, () => '/stream')
  response.writeHead(200, { 'content-type': type })
  for (let done = 0; done < megabytes; done += 1) {
    for (const piece of pieces) {
      if (!response.write(piece)) await new Promise(resolve => response.once('drain', resolve))
    }
  }
  // Held open where what it retains is to be seen.
  if (request.url !== '/held') return response.end()
  while (response.writableLength > 0) await new Promise(setImmediate)
  process.send({ written: true })
})

server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))

let usage
process.on('message', async message => {
  if (message === 'start') usage = process.cpuUsage()
  if (message === 'stop') {
    const { user, system } = process.cpuUsage(usage)
    process.send({ cpuUs: user + system })
  }
  if (message === 'heap') {
    // What waits to be sent is no part of an open response.
    await tracing.flush()
    for (let turn = 0; turn < 5; turn += 1) {
      globalThis.gc()
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    process.send({ bytes: heapUsed + arrayBuffers })
  }
})
