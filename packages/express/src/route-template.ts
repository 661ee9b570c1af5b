import type { Request } from 'express'
import { hasFailed } from './error-handler.ts'
import { findMount, findRouteMount } from './mounts.ts'

type RoutePath = string | RegExp | readonly RoutePath[]

/** The template of the route that answered, such as `/users/:id`; undefined where no route did. Read once the response is over. */
export function routeTemplate(request: Request): string | undefined {
  const route = request.route as { path: RoutePath } | undefined
  if (route !== undefined) {
    const mount = findRouteMount(request, route)
    if (!isStale(request, route, mount)) return join(mount ?? '/*', printed(route.path))
  }
  if (!request.baseUrl || request.next === undefined) return undefined
  // Middleware answered, such as `express.static`: its mount is all there is to name.
  const mount = findMount(request)
  return mount === undefined ? undefined : join(mount, '/*')
}

/** Whether `request.route` is one that passed the request on, to what has answered it: Express leaves it there. */
function isStale(request: Request, route: { path: RoutePath }, mount: string | undefined): boolean {
  // An error also leaves the router, but it was the route's.
  if (hasFailed(request) || (request.res?.statusCode ?? 0) >= 500) return false
  // Every router takes back its `next` when nothing in it answered.
  if (request.next === undefined) return true
  if (mount !== undefined && mount !== '' && request.baseUrl === '') return true
  return parameters(route.path).some(name => !(name in request.params))
}

function parameters(path: RoutePath): string[] {
  if (typeof path !== 'string' || path.includes('{') || path.includes('?')) return []
  return [...path.matchAll(/[:*](\w+)/g)].map(match => match[1] as string)
}

function printed(path: RoutePath): string {
  return Array.isArray(path) ? path.map(printed).join('|') : String(path)
}

function join(mount: string, path: string): string {
  return path === '/' && mount !== '' ? mount : mount + path
}
