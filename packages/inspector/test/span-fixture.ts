/** A span in OTLP/JSON with what a test does not care about filled in; ids may be short. */
export interface SpanFixture {
  trace?: string
  id?: string
  parent?: string
  name?: string
  startMs?: number
  durationMs?: number
  attributes?: Record<string, string | number | boolean>
}

const epochMs = 1_767_225_600_000

/** An id of full length from a short one. */
export function traceId(short: string): string {
  return short.padStart(32, '0')
}

/** A span in OTLP/JSON. */
export function jsonSpan(fixture: SpanFixture = {}): Record<string, unknown> {
  const { trace = 'a', id = '1', parent, name = 'GET /', startMs = 0, durationMs = 10 } = fixture
  return {
    traceId: traceId(trace),
    spanId: id.padStart(16, '0'),
    ...(parent !== undefined && { parentSpanId: parent.padStart(16, '0') }),
    name,
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(startMs + durationMs),
    attributes: Object.entries(fixture.attributes ?? {}).map(([key, value]) => ({
      key,
      value: typeof value === 'string' ? { stringValue: value } : { doubleValue: Number(value) },
    })),
  }
}

/** A span that has begun and not ended. */
export function openSpan(fixture: SpanFixture = {}): Record<string, unknown> {
  return { ...jsonSpan(fixture), endTimeUnixNano: '0' }
}

/** An export request in OTLP/JSON. */
export function jsonExport(spans: unknown[]): string {
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ scope: { name: 'langfuse-sdk' }, spans }] }] })
}

/** An export request in OTLP/JSON of spans of several services. */
export function servicesExport(services: Record<string, SpanFixture[]>): string {
  const resourceSpans = Object.entries(services).map(([name, spans]) => ({
    resource: { attributes: [{ key: 'service.name', value: { stringValue: name } }] },
    scopeSpans: [{ scope: { name: 'langfuse-sdk' }, spans: spans.map(jsonSpan) }],
  }))
  return JSON.stringify({ resourceSpans })
}

/** Posts JSON and returns the answer. */
export function postJson(url: string, body: string | object): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

/** Sends spans and returns the parsed answer. */
export async function sendSpans(url: string, ...spans: SpanFixture[]): Promise<unknown> {
  const response = await postJson(`${url}/v1/traces`, jsonExport(spans.map(jsonSpan)))
  return await response.json()
}

function nanoseconds(ms: number): string {
  return `${Math.round((epochMs + ms) * 1000)}000`
}
