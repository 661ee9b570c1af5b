// Stands in for whatever spans are sent to: Langfuse and other OTLP backends, Sentry, a Datadog agent. Counts what arrives.
import { createServer } from 'node:http'
import { gunzipSync, inflateSync } from 'node:zlib'

const received = { requests: 0, bytes: 0, spans: 0 }

const server = createServer((request, response) => {
  const chunks = []
  request.on('data', chunk => chunks.push(chunk))
  request.on('end', () => {
    const raw = Buffer.concat(chunks)
    received.requests += 1
    received.bytes += raw.length
    received.spans += spansIn(request, raw)
    response.writeHead(200, { 'content-type': request.headers['content-type'] ?? 'application/json' })
    response.end(request.headers['content-type']?.includes('protobuf') ? undefined : '{}')
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('message', () => process.send({ answer: received }))
process.on('disconnect', () => process.exit())

function spansIn({ url, headers }, raw) {
  // A Datadog agent's client says how many traces there are, and its spans are not OpenTelemetry's.
  if (headers['x-datadog-trace-count'] !== undefined) return Number(headers['x-datadog-trace-count'])
  const encoding = headers['content-encoding']
  const body = encoding === 'gzip' ? gunzipSync(raw) : encoding === 'deflate' ? inflateSync(raw) : raw
  if (url.includes('/envelope')) return spansInEnvelope(body)
  return headers['content-type']?.includes('protobuf')
    ? spansInProtobuf(body)
    : occurrences(body, '"spanId":"')
}

function occurrences(body, text) {
  let count = 0
  for (let at = body.indexOf(text); at !== -1; at = body.indexOf(text, at + text.length)) count += 1
  return count
}

/** Sentry's own form: items under heads that say how many spans they hold. */
function spansInEnvelope(body) {
  const heads = body.toString('latin1').matchAll(/^\{"type":"span","item_count":(\d+)/gm)
  return [...heads].reduce((sum, [, count]) => sum + Number(count), 0)
}

/** ExportTraceServiceRequest: field 1 resource spans, in these field 2 scope spans, in these field 2 spans. */
function spansInProtobuf(body) {
  const path = [1, 2, 2]
  const count = (start, end, depth) => {
    let found = 0
    let at = start
    while (at < end) {
      const tag = varint()
      const wire = tag & 7
      const length = wire === 2 ? varint() : wire === 1 ? 8 : wire === 5 ? 4 : 0
      if (wire === 0) varint()
      if (tag >> 3 === path[depth]) found += depth === 2 ? 1 : count(at, at + length, depth + 1)
      at += length
    }
    return found

    function varint() {
      let value = 0
      for (let scale = 1; ; scale *= 128) {
        const byte = body[at++]
        value += (byte & 0x7f) * scale
        if (byte < 0x80) return value
      }
    }
  }
  return count(0, body.length, 0)
}
