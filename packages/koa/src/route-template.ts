import type { Context } from 'koa'

/** What `@koa/router` and `koa-mount` leave in a context. */
interface Routed {
  readonly _matchedRoute?: string | RegExp
  readonly mountPath?: string
}

/** The template of the route that `@koa/router` matched, such as `/users/:id`, below the path it is mounted at. Undefined without a route. */
export function routeTemplate(ctx: Context): string | undefined {
  const { _matchedRoute: route, mountPath } = ctx as Context & Routed
  if (route === undefined || route === '(.*)') return undefined
  const template = typeof route === 'string' ? route : String(route)
  return mountOf(ctx.originalUrl, template, mountPath) + template
}

/** The path that `koa-mount` took off. It has no parameters, so it can be read from the URL; `mountPath` is that of the innermost mount. */
function mountOf(url: string, template: string, mountPath: string | undefined): string {
  if (mountPath === undefined) return ''
  const path = url.split('?', 1)[0] as string
  // A mount that passed the request on leaves its path behind.
  if (segments(path) === segments(template)) return ''
  const at = path.indexOf(mountPath)
  return at === -1 ? '' : path.slice(0, at + mountPath.length).replace(/\/$/, '')
}

function segments(path: string): number {
  return path.split('/').filter(part => part !== '').length
}
