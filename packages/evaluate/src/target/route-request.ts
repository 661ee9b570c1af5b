import { EvaluateError } from '../basics/evaluate-error.ts'
import type { DatasetItem } from '../data/item.ts'

/** The HTTP request that an item stands for. */
export interface RouteRequest {
  /** @default POST with a body, GET without */
  method?: string | undefined
  /** Path below the app's address, such as `/ask`. */
  path: string
  query?: Readonly<Record<string, string | number | boolean | readonly string[]>> | undefined
  headers?: Readonly<Record<string, string>> | undefined
  /** Sent as JSON, unless it is a string or bytes. */
  body?: unknown
}

/** The request that an item's own `input` describes, as the inspector saves it. */
export function requestOf(item: DatasetItem): RouteRequest {
  const input = item.input as Partial<RouteRequest> | null
  if (typeof input === 'object' && input !== null && typeof input.path === 'string')
    return input as RouteRequest
  throw new EvaluateError(
    'LANGFUSE_EVALUATE_INVALID_DATA',
    `item ${item.id} has no request: give \`request: item => ({ path, body })\`, or items whose input is { method, path, body }`,
  )
}

/** The arguments for `fetch`. */
export function toFetch(baseUrl: string, request: RouteRequest, signal: AbortSignal): [URL, RequestInit] {
  const url = new URL(request.path.replace(/^\/?/, '/'), baseUrl)
  for (const [name, value] of Object.entries(request.query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(one))
  }
  const headers = new Headers(request.headers)
  const { body } = request
  if (body === undefined || body === null) return [url, { method: request.method ?? 'GET', headers, signal }]
  const isRaw = typeof body === 'string' || body instanceof Uint8Array
  if (!isRaw && !headers.has('content-type')) headers.set('content-type', 'application/json')
  const payload = isRaw ? (body as string | Uint8Array<ArrayBuffer>) : JSON.stringify(body)
  return [url, { method: request.method ?? 'POST', headers, body: payload, signal }]
}
