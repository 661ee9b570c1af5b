import { once } from 'node:events'
import { createServer } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { readFields } from '@langfuse-middleware/delivery'

const TRACES = '/api/public/otel/v1/traces'

/**
 * Starts a server that accepts spans as Langfuse does, counts them, and fails on demand.
 * @param {{ publicKey: string, secretKey: string }} keys
 */
export async function startFakeLangfuse({ publicKey, secretKey }) {
  const authorization = `Basic ${Buffer.from(`${publicKey}:${secretKey}`).toString('base64')}`
  const http = createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    if (request.url !== TRACES) return response.writeHead(404).end()
    if (request.headers.authorization !== authorization) return response.writeHead(401).end()
    if (!langfuse.failing) {
      store(chunks, request.headers['content-encoding'])
      return response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    }
    langfuse.failures += 1
    if (langfuse.failures % 2 === 0) return response.writeHead(503).end()
    // The other kind of failure: the spans are stored, but the response is lost, so the worker sends them again.
    store(chunks, request.headers['content-encoding'])
    response.destroy()
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address())

  const langfuse = {
    url: `http://127.0.0.1:${port}`,
    failing: false,
    /** Requests that it did not answer with success. */
    failures: 0,
    /** Ids of the traces it has stored. @type {Set<string>} */
    traces: new Set(),
    /** How often it has stored each span. @type {Map<string, number>} */
    spans: new Map(),
    close() {
      http.close()
      http.closeAllConnections()
    },
  }
  return langfuse

  /** @param {Buffer[]} chunks @param {string | undefined} encoding */
  function store(chunks, encoding) {
    const sent = Buffer.concat(chunks)
    for (const { traceId, spanId } of spansOf(encoding === 'gzip' ? gunzipSync(sent) : sent)) {
      langfuse.traces.add(traceId)
      langfuse.spans.set(spanId, (langfuse.spans.get(spanId) ?? 0) + 1)
    }
  }
}

/**
 * Ids of the spans in an OTLP request.
 * @param {Uint8Array} body
 */
function* spansOf(body) {
  for (const resourceSpans of readFields(body))
    for (const scopeSpans of members(resourceSpans.content, 2))
      for (const span of members(scopeSpans, 2)) yield { traceId: idOf(span, 1), spanId: idOf(span, 2) }
}

/** @param {Uint8Array} span @param {number} number */
function idOf(span, number) {
  const [id] = members(span, number)
  if (id === undefined) throw new Error(`a span without field ${number}`)
  return Buffer.from(id).toString('hex')
}

/** @param {Uint8Array} message @param {number} number */
function* members(message, number) {
  for (const field of readFields(message)) if (field.number === number) yield field.content
}
