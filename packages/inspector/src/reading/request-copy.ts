import { defaultOrigin, type OriginalRequest } from './http-request.ts'
import type { Observation } from './observation.ts'
import type { TraceSummary } from './trace-summary.ts'

/** A request as `fetch` takes it; remarks name what was not captured. */
export interface SendableRequest {
  method: string
  url: string
  headers: Record<string, string>
  body: string | undefined
  remarks: string[]
}

/** Completes a request with what it takes to send it, and with remarks on what is missing. */
export function toSendable(request: OriginalRequest): SendableRequest {
  const { method, origin, path, query, hiddenQuery, body } = request
  const redacted = Object.entries(request.headers).filter(([, value]) => /\[redacted\]/i.test(value))
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !redacted.some(([hidden]) => hidden === name)),
  )
  const text =
    body.kind !== 'captured'
      ? undefined
      : typeof body.value === 'string'
        ? body.value
        : JSON.stringify(body.value)
  const hasType = Object.keys(headers).some(name => name.toLowerCase() === 'content-type')
  if (text !== undefined && !hasType) {
    const isText = body.kind === 'captured' && typeof body.value === 'string' && !/^\s*[[{]/.test(text)
    headers['content-type'] = isText ? 'text/plain' : 'application/json'
  }
  return {
    method,
    url: (origin ?? defaultOrigin) + path + query,
    headers,
    body: text,
    remarks: [
      ...(origin === undefined ? [`origin not captured: ${defaultOrigin} is a guess`] : []),
      ...(hiddenQuery.length > 0 ? [`query not captured: ${hiddenQuery.join(', ')}`] : []),
      ...redacted.map(([name]) => `header not captured: ${name}`),
      ...(body.kind === 'unknown' ? ['body not captured'] : []),
      ...(text !== undefined && /\[redacted\]|\[not captured/i.test(text)
        ? ['parts of the body were redacted']
        : []),
    ],
  }
}

/** A `curl` command that repeats the request; remarks stand below it as comments. */
export function formatCurl(request: OriginalRequest): string {
  const { method, url, headers, body, remarks } = toSendable(request)
  const command = [
    `curl ${method === 'GET' ? '' : method === 'HEAD' ? '--head ' : `-X ${quote(method)} `}${quote(url)}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quote(`${name}: ${oneLine(value)}`)}`),
    ...(body === undefined ? [] : [`--data-raw ${quote(body)}`]),
  ].join(' \\\n  ')
  return [command, ...remarks.map(remark => `# ${oneLine(remark)}`)].join('\n')
}

/** A test for Node's own runner that repeats the request and asserts what is the same in each run. */
export function formatTestCase(
  summary: Pick<TraceSummary, 'id' | 'name' | 'statusCode' | 'totals'>,
  { output, metadata }: Pick<Observation, 'output' | 'metadata'>,
  request: OriginalRequest,
): string {
  const { method, url, headers, body, remarks } = toSendable(request)
  const { pathname, search, origin } = new URL(url)
  const status = summary.statusCode ?? 200
  const expected = expectationOf(output, metadata, summary.totals.models.length > 0)
  return [
    "import assert from 'node:assert/strict'",
    "import { test } from 'node:test'",
    '',
    `// From trace ${summary.id}.`,
    ...remarks.map(remark => `// ${oneLine(remark)}`),
    `test(${literal(`${summary.name} answers ${status}`)}, async () => {`,
    `  const response = await fetch(new URL(${literal(pathname + search)}, process.env.APP_URL ?? ${literal(origin)}), {`,
    `    method: ${literal(method)},`,
    ...(Object.keys(headers).length > 0 ? [`    headers: ${literal(headers)},`] : []),
    ...(body === undefined ? [] : [`    body: ${literal(body)},`]),
    '  })',
    `  assert.equal(response.status, ${status})`,
    ...expected.lines,
    '})',
    '',
    ...expected.helper,
  ].join('\n')
}

interface Expectation {
  lines: string[]
  helper: string[]
}

/** What can be expected of the body: its shape if a model wrote it, else its values, but for ids and times. */
function expectationOf(output: unknown, metadata: Record<string, unknown>, fromModel: boolean): Expectation {
  // What the middleware records by itself is about the response, not the response.
  const isBody = output !== undefined && !(isRecord(output) && 'statusCode' in output)
  const isStream =
    /event-stream|ndjson/.test(JSON.stringify(metadata.responseHeaders ?? '')) || 'chunks' in metadata
  if (!isBody || isStream) return { lines: [], helper: [] }
  if (typeof output === 'string') {
    return fromModel
      ? { lines: ["  assert.notEqual(await response.text(), '')"], helper: [] }
      : { lines: [`  assert.ok((await response.text()).includes(${literal(output)}))`], helper: [] }
  }
  const shape = fromModel ? shapeOf(output, 0) : stable(output)
  return {
    lines: [
      `  assert.deepEqual(${fromModel ? 'shapeOf' : 'stable'}(await response.json()), ${literal(shape)})`,
    ],
    helper: fromModel ? shapeHelper : stableHelper,
  }
}

const volatile =
  /^(?:[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}|[\da-f]{16,}|\d{4}-\d\d-\d\dT\d\d:\d\d.*|(?:[a-z]+[_-])?[A-Za-z\d]{20,})$/i

/** The same value with `<varies>` for ids and times. */
function stable(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, one) =>
      (typeof one === 'string' && volatile.test(one)) || (typeof one === 'number' && one > 1e11)
        ? '<varies>'
        : one,
    ),
  )
}

const stableHelper = [
  '// Ids and times differ in each run.',
  'function stable(body) {',
  `  const volatile = ${volatile}`,
  '  return JSON.parse(',
  '    JSON.stringify(body, (_, value) =>',
  "      (typeof value === 'string' && volatile.test(value)) || (typeof value === 'number' && value > 1e11)",
  "        ? '<varies>'",
  '        : value,',
  '    ),',
  '  )',
  '}',
  '',
]

const maxShapeDepth = 20

/** The types of a value; of a list, those of its first item. */
function shapeOf(value: unknown, depth: number): unknown {
  if (depth > maxShapeDepth) return 'any'
  if (Array.isArray(value)) return value.slice(0, 1).map(item => shapeOf(item, depth + 1))
  if (!isRecord(value)) return value === null ? 'null' : typeof value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item, depth + 1)]))
}

const shapeHelper = [
  '// A model wrote parts of it: types are the same in each run, texts are not.',
  'function shapeOf(value) {',
  '  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf)',
  "  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value",
  '  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item)]))',
  '}',
  '',
]

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ')
}

/** For a POSIX shell; what a terminal would obey when it is pasted is left out. */
function quote(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be pasted
  const safe = text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '')
  return /^[\w@%+=:,./-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", `'\\''`)}'`
}

function literal(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
