import type { IncomingMessage } from 'node:http'
import { MiddlewareError } from '@langfuse-middleware/core/adapter'

/** Templates such as `/users/:id` and `/files/*`, or a function that returns one, or undefined. */
export type Routes = readonly string[] | ((request: IncomingMessage) => string | undefined)

type Segments = readonly string[]

/**
 * A function that returns the template of a request.
 *
 * @throws MiddlewareError LANGFUSE_MIDDLEWARE_INVALID_OPTION
 */
export function resolveRoutes(routes: Routes = []): (request: IncomingMessage) => string | undefined {
  if (typeof routes === 'function') return routes
  if (!Array.isArray(routes) || routes.some(route => typeof route !== 'string' || !route.startsWith('/'))) {
    throw new MiddlewareError(
      'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
      'routes must be a list of paths such as /users/:id, or a function',
    )
  }
  const templates = routes.map(route => ({ route, segments: segmentsOf(route) }))
  return request => {
    const path = segmentsOf(pathOf(request))
    return templates.find(({ segments }) => matches(segments, path))?.route
  }
}

function matches(template: Segments, path: Segments): boolean {
  const rest = template.at(-1) === '*'
  if (rest ? path.length < template.length - 1 : path.length !== template.length) return false
  return template.every(
    (segment, index) => (rest && index === template.length - 1) || fits(segment, path[index]),
  )
}

function fits(segment: string, value: string | undefined): boolean {
  return segment === value || segment === '*' || (segment.startsWith(':') && value !== '')
}

function segmentsOf(path: string): Segments {
  return path.replace(/^\/|\/$/g, '').split('/')
}

/** The whole path. Connect strips a mount from `url`. */
function pathOf(request: IncomingMessage): string {
  const { originalUrl, url } = request as IncomingMessage & { originalUrl?: string }
  return (originalUrl ?? url ?? '/').split('?', 1)[0] as string
}
