import type { Request } from 'express'
import { hasFailed } from './error-handler.ts'
import { type Application, findMount } from './mounts.ts'

type RoutePath = string | RegExp | readonly RoutePath[]

const parameters = new WeakMap<object, readonly string[]>()

/**
 * The template of the route that answered, such as `/users/:id`; undefined where no route did. Read once the response is over;
 * `root` is the application that got the request from Node.
 */
export function routeTemplate(request: Request, root: Application): string | undefined {
  const route = request.route as { path: RoutePath } | undefined
  if (route !== undefined) {
    const mount = findMount(request, root, route)
    if (!isStale(request, route, mount)) return join(mount ?? findMount(request, root) ?? '/*', route.path)
  }
  if (!request.baseUrl || request.next === undefined) return undefined
  // Middleware answered, such as `express.static`: its mount is all there is to name.
  const mount = findMount(request, root)
  return mount === undefined ? undefined : `${mount}/*`
}

/** Whether `request.route` is one that passed the request on, to what has answered it: Express leaves it there. */
function isStale(request: Request, route: { path: RoutePath }, mount: string | undefined): boolean {
  const status = request.res?.statusCode ?? 200
  // An error also leaves the route, but it was the route's. Where none is known of, the status tells of one.
  if (hasFailed(request) || (status >= 400 && status !== 404)) return false
  // Every router takes back its `next` when nothing in it answered.
  if (request.next === undefined) return true
  if (mount !== undefined && mount !== '' && !request.baseUrl) return true
  return parametersOf(route).some(name => !(name in request.params))
}

/** The parameters that a route always has. */
function parametersOf(route: { path: RoutePath }): readonly string[] {
  const known = parameters.get(route)
  if (known !== undefined) return known
  const { path } = route
  const isPlain = typeof path === 'string' && !path.includes('{') && !path.includes('?')
  const names = isPlain ? Array.from(path.matchAll(/(?<!\\)[:*](\w+)/g), match => match[1] as string) : []
  parameters.set(route, names)
  return names
}

function join(mount: string, path: RoutePath): string {
  if (Array.isArray(path)) return path.map(one => join(mount, one)).join('|')
  return path === '/' && mount !== '' ? mount : mount + String(path)
}
