import type { Request } from 'express'

interface Match {
  readonly path: string
  readonly params: Readonly<Record<string, unknown>>
}

/** What Express's routers show of themselves, in all versions from 4.18 on. */
interface Layer {
  readonly route?: object
  readonly handle: { readonly stack?: readonly Layer[] }
  readonly path?: string
  readonly params?: Match['params']
  /** A match, or true with the match left on the layer. */
  match(path: string): boolean | Match
}

interface MountedApplication {
  readonly mountpath: string | readonly string[]
  readonly parent?: MountedApplication
  readonly router?: { readonly stack: readonly Layer[] }
  readonly _router?: { readonly stack: readonly Layer[] }
}

const SINGLE_MOUNTS = new WeakMap<object, string>()

/** The template of the mounts above `route`: `''` at the top, undefined where it cannot be told. */
export function findRouteMount(request: Request, route: object): string | undefined {
  const known = SINGLE_MOUNTS.get(route)
  if (known !== undefined) return known
  const { stack, prefix, path } = mountedAt(request)
  const mount = walk(stack, path, layer => layer.route === route)
  if (mount === undefined) return undefined
  const template = prefix + mount
  if (occurrences(stack, route) === 1) SINGLE_MOUNTS.set(route, template)
  return template
}

/** The template of `request.baseUrl`. */
export function findMount(request: Request): string | undefined {
  const { stack, prefix, path, base } = mountedAt(request)
  const target = request.baseUrl.slice(base.length)
  if (target === '') return prefix
  return walk(stack, path, (_layer, passed) => passed === target)
}

/** The application that has the request now, its own template, and the path as it sees it. */
function mountedAt(request: Request) {
  let app: MountedApplication | undefined = request.app as unknown as MountedApplication
  const stack = (app._router ?? app.router)?.stack ?? []
  let prefix = ''
  for (; app?.parent !== undefined; app = app.parent) {
    const path: string | readonly string[] = app.mountpath
    prefix = (typeof path === 'string' ? path : path.join('|')).replace(/\/$/, '') + prefix
  }
  const url = request.originalUrl.split('?', 1)[0] as string
  const segments = url.split('/')
  const depth = prefix === '' ? 1 : prefix.split('/').length
  return {
    stack,
    prefix,
    base: segments.slice(0, depth).join('/'),
    path: `/${segments.slice(depth).join('/')}`,
  }
}

/** The template of the layers down to the first that is the target, where `passed` is the concrete path before it. */
function walk(
  stack: readonly Layer[],
  path: string,
  isTarget: (layer: Layer, passed: string) => boolean,
  passed = '',
): string | undefined {
  for (const layer of stack) {
    if (layer.route !== undefined) {
      if (isTarget(layer, passed)) return ''
      continue
    }
    const match = matchOf(layer, path)
    if (match === undefined) continue
    const through = match.path.replace(/\/$/, '')
    if (through !== '' && isTarget(layer, passed + through)) return template(layer, through)
    if (layer.handle.stack === undefined) continue
    const below = walk(layer.handle.stack, path.slice(through.length) || '/', isTarget, passed + through)
    if (below !== undefined) return template(layer, through) + below
  }
  return undefined
}

function occurrences(stack: readonly Layer[], route: object): number {
  let count = 0
  for (const layer of stack) {
    if (layer.route === route) count += 1
    else if (layer.handle.stack !== undefined) count += occurrences(layer.handle.stack, route)
  }
  return count
}

function matchOf(layer: Layer, path: string): Match | undefined {
  try {
    const match = layer.match(path)
    if (match === false) return undefined
    return typeof match === 'object' ? match : { path: layer.path ?? '', params: layer.params ?? {} }
  } catch {
    // A path that cannot be decoded matches nothing.
    return undefined
  }
}

// Digits, so that it also fits a parameter that takes nothing else.
const PROBE = '9021047138'

/** The pattern behind a concrete mount path: a segment whose change shows up in a parameter is that parameter. */
function template(layer: Layer, path: string): string {
  const segments = path.split('/')
  const params = matchOf(layer, path)?.params ?? {}
  if (Object.keys(params).length === 0) return path
  return segments
    .map((segment, index) => {
      if (segment === '') return segment
      const probed = matchOf(layer, segments.with(index, PROBE).join('/'))?.params ?? {}
      const name = nameOf(probed, PROBE) ?? nameOf(params, decoded(segment))
      return name === undefined ? segment : `:${name}`
    })
    .join('/')
}

function nameOf(params: Match['params'], value: string): string | undefined {
  return Object.keys(params).find(name => params[name] === value)
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
