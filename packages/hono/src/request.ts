import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestLike } from '@langfuse-middleware/core/adapter'
import type { Context } from 'hono'

/** What options such as `ignore` and `tags` get of a request. */
export interface HonoRequest extends RequestLike {
  method: string
  /** Path and query. */
  url: string
  headers: IncomingMessage['headers']
  /** Hono's context. */
  readonly context: Context
  /** `c.get('user')`, or the claims of Hono's JWT middleware. */
  readonly user: unknown
  /** `c.get('session')`. */
  readonly session: unknown
  /** What the handler has read of the body. */
  body: unknown
}

/** The request and response of Node.js below Hono's, if `@hono/node-server` serves the app. */
export interface NodeBindings {
  readonly incoming?: IncomingMessage
  readonly outgoing?: ServerResponse
}

/** A request as the core reads it, with the user and the session where the defaults of `identity` look for them. */
export function requestOf(context: Context): HonoRequest {
  const { raw, method } = context.req
  const { incoming } = (context.env ?? {}) as NodeBindings
  const { pathname, search } = new URL(raw.url)
  return {
    method,
    url: pathname + search,
    headers: incoming?.headers ?? Object.fromEntries(raw.headers),
    socket: incoming?.socket,
    context,
    body: undefined,
    get user() {
      return context.get('user') ?? context.get('jwtPayload')
    },
    get session() {
      return context.get('session')
    },
  }
}

/** What Hono keeps of a body that was read. */
interface BodyCache {
  readonly text?: Promise<string> | string
  readonly json?: Promise<unknown>
  readonly parsedBody?: unknown
}

/** What the handler has read of the body, by `json()`, `text()` or `parseBody()`. Undefined if nothing. */
export async function bodyOf(context: Context): Promise<unknown> {
  const { text, json, parsedBody } = context.req.bodyCache as BodyCache
  try {
    return (await parsedBody) ?? (await text) ?? (await json)
  } catch {
    // The handler was told of it.
    return undefined
  }
}
