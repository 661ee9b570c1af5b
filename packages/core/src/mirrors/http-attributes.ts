import type { Attributes } from '@opentelemetry/api'
import type { ServedRequest } from './observation.ts'

const METHODS = /^(?:CONNECT|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT|QUERY|TRACE)$/

/**
 * Attributes of OpenTelemetry's HTTP conventions.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/
 */
export function httpAttributes({ method, path, route, statusCode, userAgent }: ServedRequest): Attributes {
  const attributes: Attributes = {}
  if (method !== undefined) {
    const isKnown = METHODS.test(method)
    attributes['http.request.method'] = isKnown ? method : '_OTHER'
    if (!isKnown) attributes['http.request.method_original'] = method
  }
  if (path !== undefined) attributes['url.path'] = path
  if (route !== undefined) attributes['http.route'] = route
  if (statusCode !== undefined) attributes['http.response.status_code'] = statusCode
  if (userAgent !== undefined) attributes['user_agent.original'] = userAgent
  return attributes
}
