import type { Observation } from './observation.ts'
import type { TraceSummary } from './trace-summary.ts'

/** What is known of the HTTP request that a trace tells of. */
export interface OriginalRequest {
  method: string
  /** Scheme, host and port; `undefined` if they were not recorded. */
  origin: string | undefined
  path: string
  /** With `?` in front; empty if there was none. */
  query: string
  /** Names of query parameters whose values were not captured. */
  hiddenQuery: string[]
  headers: Record<string, string>
  body: RequestBody
}

/** A request's body; `unknown` if the request may have had one that was not captured. */
type RequestBody = { kind: 'none' | 'unknown' } | { kind: 'captured'; value: unknown }

/** Where a request goes if its origin was not recorded. */
export const defaultOrigin = 'http://localhost:3000'

/** The attribute with the captured body, apart from the input that the app may have set. */
const bodyAttribute = 'langfuse_middleware.request.body'

// Set anew by whatever sends the request.
const hopByHop =
  /^(?:host|connection|content-length|transfer-encoding|accept-encoding|keep-alive|te|upgrade|expect)$/i

type Root = Pick<Observation, 'input' | 'metadata' | 'attributes'>

/** Reads the request from what was captured of it; what the app said as input is not taken for the body. */
export function readRequest(summary: Pick<TraceSummary, 'name' | 'route'>, root: Root): OriginalRequest {
  const { metadata, attributes } = root
  const described = isRecord(root.input) && typeof root.input.method === 'string' ? root.input : {}
  const named = namedRequest(summary)
  const method = firstText(
    described.method,
    metadata.method,
    attributes['http.request.method'],
    attributes['http.method'],
    named?.method,
  )
  const target = firstText(
    attributes['url.full'],
    described.url,
    metadata.url,
    attributes['http.url'],
    metadata.path,
    described.path,
    attributes['url.path'],
    attributes['http.target'],
    named?.path,
    summary.route,
  )
  const url = parseUrl(target ?? '/')
  const headers = capturedHeaders(root)
  const query = capturedQuery(metadata.query) ?? withMark(attributes['url.query']) ?? url.search
  const body = readBody(root, described, method)
  const hidden = Array.isArray(described.query)
    ? described.query.filter(name => typeof name === 'string')
    : []
  return {
    method: (method ?? (body.kind === 'captured' ? 'POST' : 'GET')).toUpperCase(),
    origin: url.origin === placeholder ? readOrigin(attributes, headers) : url.origin,
    path: url.pathname,
    query,
    hiddenQuery: query === '' ? hidden : [],
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !hopByHop.test(name))),
    body,
  }
}

function readBody(
  { input, metadata, attributes }: Root,
  described: Record<string, unknown>,
  method?: string,
): RequestBody {
  const apart = attributes[bodyAttribute]
  if (apart !== undefined) return { kind: 'captured', value: parsedText(apart) }
  if ('body' in described) return { kind: 'captured', value: described.body }
  // The middleware names the path in the metadata if the input is the captured body.
  if (typeof metadata.path === 'string' && input !== undefined) return { kind: 'captured', value: input }
  const hasNone = /^(?:GET|HEAD|OPTIONS|DELETE)$/i.test(method ?? 'GET')
  return { kind: hasNone ? 'none' : 'unknown' }
}

function namedRequest({ name, route }: Pick<TraceSummary, 'name' | 'route'>) {
  for (const text of [name, route ?? '']) {
    const [, method, path] = /^([A-Z]+) (\/\S*)$/.exec(text) ?? []
    if (method !== undefined && path !== undefined) return { method, path }
  }
  return undefined
}

function readOrigin(attributes: Root['attributes'], headers: Record<string, string>): string | undefined {
  const host = firstText(attributes['server.address'], attributes['net.host.name'])
  const scheme = firstText(attributes['url.scheme'], attributes['http.scheme']) ?? 'http'
  if (host !== undefined) {
    const port = attributes['server.port'] ?? attributes['net.host.port']
    return originOf(
      `${scheme}://${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}`,
    )
  }
  const header = Object.entries(headers).find(([name]) => name.toLowerCase() === 'host')?.[1]
  return header === undefined ? undefined : originOf(`${scheme}://${header}`)
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined
}

function capturedHeaders({ input, metadata, attributes }: Root): Record<string, string> {
  const given = isRecord(metadata.requestHeaders)
    ? metadata.requestHeaders
    : isRecord(input) && isRecord(input.headers) && typeof input.method === 'string'
      ? input.headers
      : {}
  const headers: Record<string, string> = {}
  const prefix = 'http.request.header.'
  const all = [
    ...Object.entries(attributes).flatMap(([key, value]): [string, unknown][] =>
      key.startsWith(prefix) ? [[key.slice(prefix.length).replaceAll('_', '-'), value]] : [],
    ),
    ...Object.entries(given),
  ]
  for (const [name, value] of all) {
    const text = Array.isArray(value) ? value.join(', ') : typeof value === 'string' ? value : undefined
    if (text !== undefined && /^[\w!#$%&'*+.^`|~-]+$/.test(name)) headers[name] = text
  }
  return headers
}

function capturedQuery(query: unknown): string | undefined {
  if (!isRecord(query)) return undefined
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one))
  }
  return parameters.size > 0 ? `?${parameters}` : undefined
}

function withMark(query: unknown): string | undefined {
  return typeof query === 'string' && query !== '' ? `?${query.replace(/^\?/, '')}` : undefined
}

const placeholder = 'http://origin.invalid'

function parseUrl(target: string): URL {
  try {
    return new URL(target, placeholder)
  } catch {
    return new URL(placeholder)
  }
}

function parsedText(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

function firstText(...values: unknown[]): string | undefined {
  return values.find((value): value is string => typeof value === 'string' && value !== '')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
