import { isIP } from 'node:net'
import { types } from 'node:util'
import { invalid } from '@langfuse-middleware/delivery/options'
import { stateless } from '../basics/stateless-expression.ts'

/** Hosts that outgoing requests carry the trace to: names and `*.suffix` patterns, each with an optional port, expressions on the host name, a predicate, or none or all. */
export type PropagateTo = boolean | readonly (string | RegExp)[] | ((url: URL) => boolean)

/** One predicate, or undefined for no host. By default loopback, private addresses and names that only a private network resolves. */
export function resolvePropagateTo(path: string, option: unknown): ((url: URL) => boolean) | undefined {
  if (option === undefined) return isPrivateUrl
  if (typeof option === 'boolean') return option ? () => true : undefined
  if (typeof option === 'function') return option as (url: URL) => boolean
  if (!Array.isArray(option)) return invalid(path, 'a list of host names, a function, true or false', option)
  const tests = option.map((pattern, index) => hostTest(`${path}[${index}]`, pattern))
  return url => tests.some(test => test(url))
}

const HOST_AND_PORT = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/

function hostTest(path: string, pattern: unknown): (url: URL) => boolean {
  if (types.isRegExp(pattern)) {
    const matches = stateless(pattern)
    return url => matches(hostOf(url))
  }
  if (typeof pattern !== 'string' || pattern === '' || pattern.includes('/')) {
    return invalid(
      path,
      'a RegExp, or a host name such as "api.internal", "*.example.com" or "localhost:3000"',
      pattern,
    )
  }
  const [, host = pattern, port] = HOST_AND_PORT.exec(pattern) ?? []
  const name = bareName(host)
  const isHost = name.startsWith('*.')
    ? (host: string) => host.endsWith(name.slice(1))
    : (host: string) => host === name
  return url => isHost(hostOf(url)) && (port === undefined || Number(port) === portOf(url))
}

function portOf({ port, protocol }: URL): number {
  return Number(port || (protocol === 'https:' ? 443 : 80))
}

function hostOf(url: URL): string {
  return bareName(url.hostname)
}

function bareName(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
}

const isPrivateUrl = (url: URL): boolean => isPrivate(hostOf(url))

const PRIVATE_SUFFIX = /\.(localhost|local|internal|intranet|lan|home\.arpa|svc|cluster\.local)$/
const PRIVATE_V4 =
  /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/

function isPrivate(host: string): boolean {
  switch (isIP(host)) {
    case 4:
      return PRIVATE_V4.test(host)
    case 6:
      return host === '::1' || /^f[cd]|^fe[89ab]/.test(host)
    default:
      // A name of one label, as Compose and Kubernetes give to services, means nothing on the internet.
      return !host.includes('.') || PRIVATE_SUFFIX.test(host)
  }
}
