import type { ResponseHead } from './response-head.ts'

/** Reads the headers of a response: Node's, or a framework's reply. */
export interface ReplyHeaders {
  getHeader(name: string): unknown
}

/** Lets a page of another origin read `names`, where the app lets it read the response at all. */
export function exposeHeaders(head: ResponseHead, names: readonly (string | undefined)[]): void {
  if (head.get('access-control-allow-origin') === undefined) return
  const own = head.get('access-control-expose-headers')
  const listed =
    own === undefined
      ? []
      : [own]
          .flat()
          .join(',')
          .split(',')
          .map(name => name.trim())
  if (listed.includes('*')) return
  const known = new Set(listed.map(name => name.toLowerCase()))
  const missing = names.filter(name => name !== undefined && !known.has(name.toLowerCase()))
  if (missing.length > 0) head.set('access-control-expose-headers', [...listed, ...missing].join(', '))
}
