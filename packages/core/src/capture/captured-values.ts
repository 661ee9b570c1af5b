import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { RequestLike } from '../http/request-like.ts'
import type { NameCapture } from './capture-options.ts'
import { REDACTED } from './text/credential-formats.ts'
import { isCredentialHeader } from './text/credential-names.ts'
import { formValues } from './text/form-values.ts'

const MAX_QUERY_CHARACTERS = 8_192

/** The headers that are captured, credentials blanked; undefined where there are none. */
export function capturedHeaders(
  headers: IncomingHttpHeaders | OutgoingHttpHeaders,
  wanted: NameCapture,
): Record<string, unknown> | undefined {
  if (wanted === false) return undefined
  return found(
    Object.entries(headers)
      .filter(([name]) => !name.startsWith(':') && wanted(name.toLowerCase()))
      .map(([name, value]) => [name, isCredentialHeader(name) ? REDACTED : value]),
  )
}

/** The values of the query string that are captured; undefined where there are none. */
export function capturedQuery(
  request: RequestLike,
  wanted: NameCapture,
): Record<string, unknown> | undefined {
  if (wanted === false) return undefined
  const url = request.originalUrl ?? request.url ?? ''
  const start = url.indexOf('?')
  if (start === -1) return undefined
  return found(
    [...formValues(url.slice(start + 1, start + MAX_QUERY_CHARACTERS))].filter(([name]) => wanted(name)),
  )
}

function found(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> | undefined {
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
