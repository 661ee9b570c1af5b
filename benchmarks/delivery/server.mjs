// Stands in for Langfuse. Told over IPC how to behave ({ mode, latencyMs }); answers 'report' with what it received.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { spansOf } from './otlp-spans.mjs'

const received = new Map()
let duplicated = 0
let differing = 0
let mode = 'accept'
let latencyMs = 0
const sockets = new Set()

const server = createServer((request, response) => {
  if (mode === 'reset') {
    request.once('data', () => request.socket.resetAndDestroy())
    return
  }
  if (mode === 'hang') return
  const chunks = []
  request.on('error', () => {})
  request.on('data', chunk => chunks.push(chunk))
  request.on('end', () => setTimeout(() => answer(request, response, Buffer.concat(chunks)), latencyMs))
})
server.keepAliveTimeout = 60_000
server.on('connection', socket => {
  sockets.add(socket)
  socket.on('error', () => {})
  socket.on('close', () => sockets.delete(socket))
})

function answer(request, response, raw) {
  if (mode === '500' || mode === '503') return response.writeHead(Number(mode)).end()
  if (mode === 'discard') return response.writeHead(200).end()
  if (mode !== 'accept') return request.socket.destroy()
  // Whatever else a client asks Langfuse for.
  if (request.headers['content-type'] === undefined)
    return response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
  for (const [name, bytes] of spansOf(body, request.headers['content-type'])) {
    const digest = createHash('md5').update(bytes).digest('base64')
    const before = received.get(name)
    if (before === undefined) received.set(name, digest)
    else {
      duplicated += 1
      if (before !== digest) differing += 1
    }
  }
  response.writeHead(200, { 'content-type': request.headers['content-type'] }).end()
}

let port = 0
function listen() {
  server.listen(port, '127.0.0.1', () => {
    port = server.address().port
    process.send({ port })
  })
}

process.on('message', message => {
  if (message === 'report') {
    process.send({ received: [...received.keys()], duplicated, differing })
    return
  }
  const wasRefusing = mode === 'refuse'
  mode = message.mode ?? mode
  latencyMs = message.latencyMs ?? latencyMs
  if (mode !== 'accept' && mode !== 'discard') for (const socket of sockets) socket.destroy()
  if (mode === 'refuse' && !wasRefusing) server.close(() => process.send({ mode }))
  else if (mode !== 'refuse' && wasRefusing) listen()
  else process.send({ mode })
})
process.on('disconnect', () => process.exit())
listen()
