import type { RequestLike } from '../http/request-like.ts'

/** A session as express-session, @fastify/session, cookie-session and others put it on a request. */
interface Session {
  readonly id?: unknown
  readonly sessionId?: unknown
  /** Session stores give a session a cookie; an object that the app put there itself has none. */
  readonly cookie?: unknown
  readonly isSaved?: unknown
}

interface AuthenticatedRequest extends RequestLike {
  readonly id?: unknown
  readonly user?: string | Readonly<Record<string, unknown>> | null
  readonly auth?: { readonly [name: string]: unknown; readonly payload?: { readonly sub?: unknown } } | null
  readonly session?: Session | null
  /** The response as Express and Fastify link it. */
  readonly res?: SentResponse
  readonly raw?: { readonly res?: SentResponse }
}

interface SentResponse {
  readonly headersSent?: boolean
  getHeader?(name: string): unknown
}

/**
 * The id of the user that authentication put on the request: Passport and @fastify/jwt as `user`, express-jwt and others as `auth`. Null for a
 * user without an id, who is still not the one that a header names.
 */
export function authenticatedUser(request: RequestLike): unknown {
  const { user, auth } = request as AuthenticatedRequest
  if (typeof user === 'string' && user !== '') return user
  if (typeof user === 'object' && user !== null) return user.id ?? user.sub ?? user.userId ?? user._id ?? null
  if (typeof auth !== 'object' || auth === null) return undefined
  return (
    auth.sub ?? auth.payload?.sub ?? auth.userId ?? (typeof auth.user === 'string' ? auth.user : undefined)
  )
}

/**
 * The id of the session on the request, if the client has it or gets it: a store makes a new one for every request without a cookie, and
 * most of those are never saved.
 */
export function establishedSession(request: RequestLike): unknown {
  if (!('session' in request)) return undefined
  const response = responseOf(request)
  // cookie-session creates the session when it is first read, and then writes a cookie.
  if (isLazy(request) && response?.headersSent !== true) return undefined
  const { session } = request as AuthenticatedRequest
  if (session === null || typeof session !== 'object') return undefined
  const id = session.id ?? session.sessionId
  if (typeof id !== 'string' || typeof session.cookie !== 'object') return id
  const isSaved = typeof session.isSaved === 'function' && session.isSaved() === true
  return isSaved || names(request.headers.cookie, id) || names(response?.getHeader?.('set-cookie'), id)
    ? id
    : undefined
}

/** The id that the app gave the request, as pino-http and the `genReqId` of Fastify do; not the number that Fastify counts by itself. */
export function ownRequestId(request: RequestLike): unknown {
  const { id } = request as AuthenticatedRequest
  return typeof id === 'string' && /^req-[0-9a-z]{1,7}$/.test(id) ? undefined : id
}

function responseOf(request: RequestLike): SentResponse | undefined {
  const { res, raw } = request as AuthenticatedRequest
  return res ?? raw?.res
}

function isLazy(request: RequestLike): boolean {
  for (let at: unknown = request; at !== null && at !== undefined; at = Object.getPrototypeOf(at)) {
    const property = Object.getOwnPropertyDescriptor(at, 'session')
    if (property !== undefined) return property.get !== undefined
  }
  return false
}

/** True if a cookie holds the id, which may be signed and encoded. */
function names(cookies: unknown, id: string): boolean {
  return [cookies].flat().some(cookie => {
    const text = String(cookie ?? '')
    return text.includes(id) || text.includes(encodeURIComponent(id))
  })
}
