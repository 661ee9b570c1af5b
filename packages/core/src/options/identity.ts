import type { Log } from '../basics/logger.ts'
import { invalid, knownKeys } from '../basics/validation.ts'
import type { RequestLike } from '../http/request-like.ts'

/** Where a value comes from: a header's name, a function of the request, or `false` for nowhere. */
export type IdentitySource<Request> = string | false | ((request: Request) => unknown)

/** Who a request belongs to. Values are printable and at most 200 characters; others are dropped and counted. */
export interface IdentityOptions<Request> {
  /** @default header `x-user-id`, else the id of what authentication left in `request.user` */
  userId?: IdentitySource<Request>
  /** @default header `x-session-id`, else the id of `request.session` */
  sessionId?: IdentitySource<Request>
  /** @default header `x-request-id`, generated when it is absent or unfit */
  requestId?: IdentitySource<Request>
}

type Reader<Request> = (request: Request) => unknown

/** One reader per value; each returns a fit value or undefined, and never throws. */
export interface Identity<Request> {
  userId(request: Request): string | undefined
  sessionId(request: Request): string | undefined
  requestId(request: Request): string | undefined
  /** The response header that names the request; undefined where request ids are off. */
  readonly requestIdHeader: string | undefined
}

const PRINTABLE = /^[^\p{Cc}\p{Cs}\u2028\u2029]{1,200}$/u
// Langfuse takes US-ASCII session ids only, and a request id is echoed in a header.
const ASCII = /^[\x20-\x7e]{1,200}$/

/** Validates `options`; `log` counts what is dropped at request time. */
export function resolveIdentity<Request extends RequestLike>(
  options: IdentityOptions<Request> | undefined,
  log: Log,
): Identity<Request> {
  knownKeys('identity', options, ['userId', 'sessionId', 'requestId'])

  function fit(
    name: string,
    source: IdentitySource<Request> | undefined,
    fallback: Reader<Request>,
    allowed: RegExp,
  ) {
    const read = reader(`identity.${name}`, source, fallback)
    return (request: Request): string | undefined => {
      try {
        return sanitise(read(request), allowed, `identity.${name}`, log)
      } catch (error) {
        log.warnOnce(
          `identity.${name} threw`,
          `identity.${name} threw, requests go without it: ${String(error)}`,
        )
        return undefined
      }
    }
  }

  const { userId, sessionId, requestId } = options ?? {}
  return {
    userId: fit('userId', userId, headerReader('x-user-id', userOf), PRINTABLE),
    sessionId: fit('sessionId', sessionId, headerReader('x-session-id', sessionOf), ASCII),
    requestId: fit('requestId', requestId, headerReader('x-request-id'), ASCII),
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
  source: IdentitySource<Request> | undefined,
  fallback: Reader<Request>,
): Reader<Request> {
  if (source === undefined) return fallback
  if (source === false) return () => undefined
  if (typeof source === 'function') return source
  if (typeof source === 'string' && /^[\w-]+$/.test(source)) {
    return headerReader(
      source.toLowerCase(),
      name.endsWith('userId') ? userOf : name.endsWith('sessionId') ? sessionOf : undefined,
    )
  }
  return invalid(name, 'a header name, a function or false', source)
}

function headerReader<Request extends RequestLike>(
  header: string,
  otherwise?: Reader<Request>,
): Reader<Request> {
  return request => {
    const value = request.headers[header]
    const first = Array.isArray(value) ? value[0] : value
    return first === undefined || first === '' ? otherwise?.(request) : first
  }
}

function userOf(request: RequestLike): unknown {
  const user = (request as { user?: Record<string, unknown> | null }).user
  if (user === null || typeof user !== 'object') return undefined
  return user.id ?? user.sub ?? user.userId ?? user._id
}

function sessionOf(request: RequestLike): unknown {
  const session = (request as { session?: Record<string, unknown> | null }).session
  if (session === null || typeof session !== 'object') return undefined
  return session.id ?? session.sessionId
}
