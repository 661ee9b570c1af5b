import type { RequestLike } from '@langfuse-middleware/core/adapter'
import type { Context, Request } from 'koa'

/** What options such as `ignore` and `tags` get of a request: Koa's request, with `ctx`, and what authentication left in its context. */
export interface KoaRequest extends Omit<Request, 'socket'>, RequestLike {
  headers: Request['headers']
  method: string
  url: string
  originalUrl: string
  /** `ctx.state.user`, or the claims of `koa-jwt`. */
  readonly user: unknown
  /** `ctx.session`. */
  readonly session: unknown
}

/** Koa's request, with the user and the session where the defaults of `identity` look for them. */
export function requestOf(ctx: Context): KoaRequest {
  return Object.create(ctx.request, {
    user: { get: () => ctx.state?.user },
    session: { get: () => ctx.session },
  }) as KoaRequest
}
