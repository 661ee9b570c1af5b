import type { Context } from 'hono'

/** What Hono calls a route of all methods, which is what `app.use` makes. */
const ANY_METHOD = 'ALL'

/** The template of the route that answered, such as `/users/:id`. Undefined if only middleware ran, as for a path that does not exist. */
export function routeTemplate(context: Context): string | undefined {
  // Not `matchedRoutes` of hono/route: an app that imports Hono and a copy that is required don't understand each other's contexts.
  const { routeIndex, matchedRoutes } = context.req
  const ran = matchedRoutes.slice(0, routeIndex + 1)
  // The deepest route that is no middleware. A handler of `app.all` takes no `next`.
  return ran.findLast(({ method, handler }) => method !== ANY_METHOD || handler.length < 2)?.path
}
