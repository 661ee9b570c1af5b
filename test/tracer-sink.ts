import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync, inflateSync } from 'node:zlib'
import { decode } from '@msgpack/msgpack'

/** A span as one of the other tracers sent it. */
export interface TheirSpan {
  readonly traceId: string
  readonly id: string
  readonly parentId: string | undefined
  readonly name: string
  /** Its attributes that are strings, if it came by OTLP. */
  readonly attributes?: Readonly<Record<string, string>>
}

/** An error or a message as Sentry sent it. */
interface TheirError {
  readonly message: string
  readonly user: string | undefined
  readonly traceId: string
  readonly tags: Readonly<Record<string, string>> | undefined
}

interface OtlpAttribute {
  readonly key: string
  readonly value: { readonly stringValue?: string }
}

/** What the backends of Sentry, Datadog, Elastic and OpenTelemetry received, as one server on loopback. */
export interface TracerSink {
  readonly url: string
  readonly spans: TheirSpan[]
  /** Sentry's error events. */
  readonly errors: TheirError[]
  clear(): void
  close(): Promise<void>
}

/** Starts it. */
export async function startTracerSink(): Promise<TracerSink> {
  const spans: TheirSpan[] = []
  const errors: TheirError[] = []

  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    const path = request.url?.split('?')[0] ?? ''
    if (path === '/api/1/envelope/') readEnvelope(body.toString())
    else if (path === '/v1/traces') readOtlp(body.toString())
    else if (path === '/v0.4/traces') readDatadog(body)
    else if (path === '/intake/v2/events') readElastic(body.toString())
    else if (path === '/info') response.statusCode = 404
    response.setHeader('content-type', 'application/json')
    response.end('{}')
  })

  /** https://develop.sentry.dev/sdk/foundations/transport/envelopes/ */
  function readEnvelope(envelope: string): void {
    const [, ...lines] = envelope.trim().split('\n')
    for (let index = 0; index < lines.length; index += 2) {
      const { type } = JSON.parse(lines[index] as string)
      const item = JSON.parse(lines[index + 1] as string)
      if (type === 'event') {
        const { exception, message = exception?.values[0].value, user, contexts, tags } = item
        const { trace_id: traceId } = contexts.trace
        errors.push({ message, user: user?.id, traceId, tags })
      }
      if (type !== 'span') continue
      for (const { trace_id, span_id, parent_span_id, name } of item.items) {
        spans.push({ traceId: trace_id, id: span_id, parentId: parent_span_id, name })
      }
    }
  }

  function readOtlp(text: string): void {
    for (const { scopeSpans } of JSON.parse(text).resourceSpans) {
      for (const span of scopeSpans.flatMap((one: { spans: unknown[] }) => one.spans)) {
        const { traceId, spanId, parentSpanId, name } = span
        const attributes = Object.fromEntries(
          span.attributes
            .filter(({ value }: OtlpAttribute) => value.stringValue !== undefined)
            .map(({ key, value }: OtlpAttribute) => [key, value.stringValue]),
        )
        spans.push({ traceId, id: spanId, parentId: parentSpanId || undefined, name, attributes })
      }
    }
  }

  function readDatadog(body: Uint8Array): void {
    for (const span of (decode(body, { useBigInt64: true }) as Record<string, unknown>[][]).flat()) {
      const { trace_id, span_id, parent_id, name, resource } = span
      const parent = String(parent_id)
      spans.push({
        traceId: String(trace_id),
        id: String(span_id),
        parentId: parent === '0' ? undefined : parent,
        name: String(name === 'web.request' ? resource : name),
      })
    }
  }

  /** https://www.elastic.co/docs/solutions/observability/apm/elastic-apm-events-intake-api */
  function readElastic(lines: string): void {
    for (const line of lines.trim().split('\n')) {
      const { transaction, span = transaction } = JSON.parse(line)
      if (span === undefined) continue
      const { trace_id, id, parent_id, name } = span
      spans.push({ traceId: trace_id, id, parentId: parent_id, name })
    }
  }

  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    errors,
    clear() {
      spans.length = 0
      errors.length = 0
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const encoding = request.headers['content-encoding']
  if (encoding === 'deflate') return inflateSync(body)
  return encoding === 'gzip' ? gunzipSync(body) : body
}
