import type { Request } from 'express'
import { type Layer, matchMount, mountTemplate } from './mount-layer.ts'

/** What an Express application shows of itself, in all versions from 4.18 on. */
export interface Application {
  readonly parent?: Application
  readonly mountpath?: string | readonly string[]
  readonly router?: { readonly stack: readonly Layer[] }
  readonly _router?: { readonly stack: readonly Layer[] }
  readonly lazyrouter?: () => void
}

interface Search {
  readonly baseUrl: string
  /** The application that has the request now, and those it is mounted on. */
  readonly applications: readonly Application[]
  /** What is looked for; without it, the layer that took `request.baseUrl`. */
  readonly route: object | undefined
  readonly accept: Acceptance
}

/** What must hold of a find: that it is at `baseUrl`, and that applications on the way are mounted as they say they are. */
type Acceptance = 'certain' | 'same path' | 'any'

/** The last template per route, and the concrete path it was found for. */
const found = new WeakMap<object, { readonly baseUrl: string; readonly template: string }>()

/** The application that no other has mounted. */
export function outermost(app: Application): Application {
  return app.parent === undefined ? app : outermost(app.parent)
}

/** The template of the mounts above `route`, or of `request.baseUrl`: `''` at the top, undefined where it cannot be told. */
export function findMount(request: Request, root: Application, route?: object): string | undefined {
  // Undefined once the outermost router is done.
  const baseUrl: string = request.baseUrl ?? ''
  const known = route && found.get(route)
  if (known?.baseUrl === baseUrl) return known.template

  const applications: Application[] = []
  let app: Application | undefined = request.app as unknown as Application
  for (; app !== undefined; app = app.parent) applications.push(app)
  const path = baseUrl + (request.url.split('?', 1)[0] as string)
  const find = (accept: Acceptance) =>
    walk(root, layersOf(root), path, { baseUrl, applications, route, accept })
  // An application mounted twice knows one of its mounts, and an error that has left a router took away the path that led there.
  const template = find('certain') ?? find('same path') ?? (baseUrl === '' ? find('any') : undefined)
  if (route !== undefined && template !== undefined && (baseUrl !== '' || template === '')) {
    found.set(route, { baseUrl, template })
  }
  // An error that leaves a mounted application takes along how it was reached.
  return template ?? known?.template
}

/** The template of the layers down to what is looked for; `app` is whose they are, and `passed` how much of the path is above them. */
function walk(
  app: Application,
  layers: readonly Layer[],
  path: string,
  search: Search,
  passed = '',
): string | undefined {
  for (const layer of layers) {
    if (layer.route !== undefined) {
      if (layer.route === search.route && (search.accept === 'any' || search.baseUrl === passed)) return ''
      continue
    }
    const below = under(app, layer, search.applications)
    if (below === undefined && search.route !== undefined) continue
    const match = matchMount(layer, path)
    if (match === undefined) continue
    const taken = passed + match.path
    if (search.route === undefined && match.path !== '' && taken === search.baseUrl) {
      return mountTemplate(layer, match)
    }
    if (below === undefined) continue
    const rest = path.slice(match.path.length) || '/'
    const template = walk(below.app, below.layers, rest, search, taken)
    if (template === undefined) continue
    const own = mountTemplate(layer, match)
    if (search.accept === 'certain' && below.app !== app && !isMountedAt(below.app, own)) continue
    return own + template
  }
  return undefined
}

/** The layers that `layer` leads to, and whose they are. */
function under(app: Application, layer: Layer, applications: readonly Application[]) {
  const handle = layer.handle as Application & { stack?: readonly Layer[]; set?: unknown }
  if (handle.stack !== undefined) return { app, layers: handle.stack }
  // A router takes an application as it is, and an application wraps it.
  const mounted =
    typeof handle.set === 'function'
      ? handle
      : layer.name === 'mounted_app'
        ? applications.find(one => one.parent === app)
        : undefined
  return mounted && { app: mounted, layers: layersOf(mounted) }
}

function isMountedAt(app: Application, template: string): boolean {
  const { mountpath } = app
  return (
    app.parent === undefined || (typeof mountpath === 'string' && mountpath.replace(/\/$/, '') === template)
  )
}

function layersOf(app: Application): readonly Layer[] {
  // Express 4 has no router until it is needed, and throws at who reads `router`.
  return (app.lazyrouter === undefined ? app.router : app._router)?.stack ?? []
}
