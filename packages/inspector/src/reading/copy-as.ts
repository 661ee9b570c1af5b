import type { Observation } from './observation.ts'
import type { TraceSummary } from './trace-summary.ts'

/** What is known of the HTTP request that a trace tells of. */
export interface OriginalRequest {
  method: string
  url: string
  headers: Record<string, string>
  body: string | undefined
}

const defaultOrigin = 'http://localhost:3000'

/** Reads the request from a root's input, metadata and attributes; the name is the last resort. */
export function readRequest(
  { name, route }: Pick<TraceSummary, 'name' | 'route'>,
  { input, metadata, attributes }: Pick<Observation, 'input' | 'metadata' | 'attributes'>,
): OriginalRequest {
  const [, namedMethod, namedPath] =
    /^([A-Z]+) (\/\S*)$/.exec(name) ?? /^([A-Z]+) (\/\S*)$/.exec(route ?? '') ?? []
  const request = isRecord(input) && typeof input.method === 'string' ? input : undefined
  const first = (...values: unknown[]): string | undefined =>
    values.find((value): value is string => typeof value === 'string' && value !== '')
  const method = first(
    request?.method,
    metadata.method,
    attributes['http.request.method'],
    attributes['http.method'],
    namedMethod,
  )
  const path = first(
    request?.url,
    request?.path,
    metadata.url,
    metadata.path,
    attributes['url.full'],
    attributes['http.url'],
    attributes['url.path'],
    attributes['http.target'],
    namedPath,
    route,
  )
  const headers = Object.entries(isRecord(request?.headers) ? request.headers : {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  // An app that set the input itself has most likely set it to what was asked for.
  const body = request ? request.body : method === undefined || method === 'GET' ? undefined : input
  const sent = body == null || typeof body === 'string' ? body : JSON.stringify(body)
  const hasType = headers.some(([header]) => header.toLowerCase() === 'content-type')
  const type: [string, string][] = sent == null || hasType ? [] : [['content-type', typeOf(body)]]
  return {
    method: (method ?? (sent == null ? 'GET' : 'POST')).toUpperCase(),
    url: absolute(path ?? '/'),
    headers: Object.fromEntries([...headers, ...type]),
    body: sent ?? undefined,
  }
}

/** A `curl` command that repeats the request. */
export function formatCurl({ method, url, headers, body }: OriginalRequest): string {
  const parts = [
    `curl ${method === 'GET' ? '' : `-X ${quote(method)} `}${quote(url)}`,
    ...Object.entries(headers).map(
      ([name, value]) => `-H ${quote(`${name}: ${value}`.replace(/[\r\n]+/g, ' '))}`,
    ),
    ...(body === undefined ? [] : [`--data-raw ${quote(body)}`]),
  ]
  return parts.join(' \\\n  ')
}

/** A test for Node's own runner that repeats the request and expects what came then. */
export function formatTestCase(
  summary: Pick<TraceSummary, 'id' | 'name' | 'statusCode'>,
  { output }: Pick<Observation, 'output'>,
  { method, url, headers, body }: OriginalRequest,
): string {
  const { pathname, search, origin } = new URL(url)
  const status = summary.statusCode ?? 200
  // What a middleware records by itself is about the response, not the response.
  const isBody = output !== undefined && !(isRecord(output) && 'statusCode' in output)
  return [
    "import assert from 'node:assert/strict'",
    "import { test } from 'node:test'",
    '',
    `// From trace ${summary.id}.`,
    `test(${literal(`${summary.name} answers ${status}`)}, async () => {`,
    `  const response = await fetch(new URL(${literal(pathname + search)}, process.env.APP_URL ?? ${literal(origin)}), {`,
    `    method: ${literal(method)},`,
    ...(Object.keys(headers).length > 0 ? [`    headers: ${literal(headers)},`] : []),
    ...(body === undefined ? [] : [`    body: ${literal(body)},`]),
    '  })',
    `  assert.equal(response.status, ${status})`,
    ...(isBody && isRecord(output) ? [`  assert.deepEqual(await response.json(), ${literal(output)})`] : []),
    ...(isBody && typeof output === 'string'
      ? [`  assert.ok((await response.text()).includes(${literal(output)}))`]
      : []),
    '})',
    '',
  ].join('\n')
}

function typeOf(body: unknown): string {
  return typeof body === 'string' && !/^\s*[[{]/.test(body) ? 'text/plain' : 'application/json'
}

function absolute(path: string): string {
  try {
    return new URL(path, defaultOrigin).href
  } catch {
    return defaultOrigin
  }
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
