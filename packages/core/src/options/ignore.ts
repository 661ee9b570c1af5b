import { types } from 'node:util'
import { invalid } from '@langfuse-middleware/delivery/options'
import type { Log } from '../basics/logger.ts'
import { A_BOOLEAN, callOption } from '../basics/option-callback.ts'
import { stateless } from '../basics/stateless-expression.ts'
import type { RequestLike } from '../http/request-like.ts'

/** A path, a glob such as `/internal/**`, or a regular expression on the path. */
export type PathPattern = string | RegExp

/** Requests that are not traced: patterns of their path, or a predicate. */
export type IgnoreOption<Request> = PathPattern | readonly PathPattern[] | ((request: Request) => boolean)

/** One predicate on the path and the request; `undefined` if nothing is ignored. */
export function resolveIgnore(
  path: string,
  option: unknown,
  { log }: { readonly log: Log },
): ((path: string, request: RequestLike) => boolean) | undefined {
  if (option === undefined) return undefined
  if (typeof option === 'function')
    // What was meant to be left out must not be traced by mistake.
    return (_path, request) => callOption(log, 'ignore', A_BOOLEAN, true, () => option(request)) === true
  const exact = new Set<string>()
  const tests: ((path: string) => boolean)[] = []
  for (const [index, pattern] of (Array.isArray(option) ? option : [option]).entries()) {
    if (types.isRegExp(pattern)) tests.push(stateless(pattern))
    else if (typeof pattern !== 'string' || !pattern.startsWith('/')) {
      invalid(
        Array.isArray(option) ? `${path}[${index}]` : path,
        'a path that starts with /, a glob, a RegExp, a list of them or a function',
        pattern,
      )
    } else if (/[*?[\]{}()!]/.test(pattern)) {
      const picomatch: typeof import('picomatch') = require('picomatch')
      tests.push(picomatch(pattern, { dot: true }))
    } else exact.add(withoutTrailingSlash(pattern))
  }
  return path => exact.has(withoutTrailingSlash(path)) || tests.some(test => test(path))
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
