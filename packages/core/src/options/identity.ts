import { checkNames, invalid } from '@langfuse-middleware/delivery/options'
import type { Log } from '../basics/logger.ts'
import { type Accepts, ANY_VALUE, callOption } from '../basics/option-callback.ts'
import type { RequestLike } from '../http/request-like.ts'
import { authenticatedUser, establishedSession, ownRequestId } from './authenticated.ts'

/** Source of a value: a header's name, for what the request itself does not tell; a function of the request; or `false` for none. */
export type IdentitySource<Request> = string | false | ((request: Request) => unknown)

/** Sources of a request's identity. Values are printable and at most 200 characters; others are dropped and counted. */
export interface IdentityOptions<Request> {
  /** @default the id that authentication put on the request (`request.user`, `request.auth`), else the header `x-user-id` */
  userId?: IdentitySource<Request>
  /** @default the id of `request.session` if the client has its cookie or it was saved, else the header `x-session-id` */
  sessionId?: IdentitySource<Request>
  /** @default `request.id` if the app sets it, else the header `x-request-id`, else a generated one */
  requestId?: IdentitySource<Request>
}

/** Sources of identity; `'authenticated'` believes no header about user and session. */
export type IdentityOption<Request> = 'authenticated' | IdentityOptions<Request>

type Reader<Request> = (request: Request) => unknown

/** One reader per value; each returns a fit value or undefined, and never throws. */
export interface Identity<Request> {
  userId(request: Request): string | undefined
  sessionId(request: Request): string | undefined
  requestId(request: Request): string | undefined
  /** The response header that names the request; undefined where request ids are off. */
  readonly requestIdHeader: string | undefined
}

const AN_ID: Accepts<string | undefined> = {
  what: 'a string',
  test: (_value): _value is string | undefined => true,
}
const PRINTABLE = /^[^\p{Cc}\p{Cs}\u2028\u2029]{1,200}$/u
// Langfuse takes US-ASCII session ids only, and a request id is echoed in a header.
const ASCII = /^[\x20-\x7e]{1,200}$/

/** Validates `options`; `log` counts what is dropped at request time. */
export function resolveIdentity<Request extends RequestLike>(
  options: IdentityOption<Request> | undefined,
  log: Log,
): Identity<Request> {
  const isAuthenticated = options === 'authenticated'
  if (!isAuthenticated) checkNames('identity', options, ['userId', 'sessionId', 'requestId'])

  function fit(name: string, source: IdentitySource<Request>, known: Reader<RequestLike>, allowed: RegExp) {
    const read = reader(`identity.${name}`, source, known)
    return (request: Request): string | undefined => {
      const option = `identity.${name}`
      const value = callOption(log, option, ANY_VALUE, undefined, () => read(request))
      // A value's own `toString` may throw.
      return callOption(log, option, AN_ID, undefined, () => sanitise(value, allowed, option, log))
    }
  }

  const {
    userId = isAuthenticated ? authenticatedUser : 'x-user-id',
    sessionId = isAuthenticated ? establishedSession : 'x-session-id',
    requestId = 'x-request-id',
  } = isAuthenticated ? {} : (options ?? {})
  return {
    userId: fit('userId', userId, authenticatedUser, PRINTABLE),
    sessionId: fit('sessionId', sessionId, establishedSession, ASCII),
    requestId: fit('requestId', requestId, ownRequestId, ASCII),
    requestIdHeader:
      requestId === false ? undefined : typeof requestId === 'string' ? requestId : 'x-request-id',
  }
}

/** A fit user or session id or undefined; what is unfit is counted under `source` and said once. */
export function sanitiseId(
  kind: 'user' | 'session',
  value: unknown,
  source: string,
  log: Log,
): string | undefined {
  return sanitise(value, kind === 'user' ? PRINTABLE : ASCII, source, log)
}

function sanitise(value: unknown, allowed: RegExp, source: string, log: Log): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const string = typeof value === 'string' ? value.trim() : stringOf(value)
  // The other expression is slower, and few values need it.
  if (string !== undefined && (ASCII.test(string) || allowed.test(string))) return string
  log.warnOnce(
    `${source} unfit`,
    `${source} is dropped where it is not a printable string of 1 to 200 characters`,
  )
  return undefined
}

function stringOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  // Database ids, such as MongoDB's ObjectId, are objects that know how to print themselves.
  if (typeof value !== 'object' || Array.isArray(value)) return undefined
  const string = String(value)
  return string.startsWith('[object ') ? undefined : string
}

function reader<Request extends RequestLike>(
  name: string,
  source: IdentitySource<Request>,
  known: Reader<RequestLike>,
): Reader<Request> {
  if (source === false) return () => undefined
  if (typeof source === 'function') return source
  if (typeof source === 'string' && /^[\w-]+$/.test(source)) return headerReader(source.toLowerCase(), known)
  return invalid(name, 'a header name, a function or false', source)
}

/** Reads what the app itself knows, and a header only if that is nothing: anyone can send a header. */
function headerReader<Request extends RequestLike>(
  header: string,
  known: Reader<RequestLike>,
): Reader<Request> {
  return request => {
    const own = known(request)
    if (own !== undefined) return own
    const value = request.headers[header]
    return Array.isArray(value) ? value[0] : value
  }
}
