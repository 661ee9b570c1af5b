import { isIP } from 'node:net'

/**
 * Whether a Host header names this server. A page on another site can make a browser resolve the site's own name to
 * 127.0.0.1 (DNS rebinding) and read the answer; it cannot do so with an IP address or with localhost.
 */
export function isOwnHost(header: string | undefined, allowedHosts: readonly string[]): boolean {
  const name = /^(\[[^\]]+\]|[^:]+)(:\d+)?$/.exec(header ?? '')?.[1]?.toLowerCase()
  if (name === undefined) return false
  if (name === 'localhost' || name.endsWith('.localhost')) return true
  return isIP(name.replace(/^\[|\]$/g, '')) !== 0 || allowedHosts.includes(name)
}
