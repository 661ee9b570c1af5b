type Params = Readonly<Record<string, unknown>>

/** What a layer took of a path. */
export interface Match {
  readonly path: string
  readonly params: Params
  /** The path as the app wrote it, which router 2.3 (Express 5.3) is the first to tell. */
  readonly pattern?: string | RegExp
}

/** What a layer of Express's routers shows of itself, in all versions from 4.18 on. */
export interface Layer {
  readonly name: string
  readonly route?: object
  readonly handle: object
  readonly path?: string
  readonly params?: Params
  /** In Express 4: what the path was compiled to, and what its groups are called. */
  readonly regexp?: RegExp
  readonly keys?: readonly { readonly name: string | number }[]
  /** In Express 5: one function per path. */
  readonly matchers?: readonly { readonly name: string }[]
  /** A match, or true with the match left on the layer. */
  match(path: string): boolean | Match
}

/** What `layer` takes from the start of `path`; undefined where it takes nothing of it. */
export function matchMount(layer: Layer, path: string): Match | undefined {
  try {
    const match = layer.match(path)
    if (match === false) return undefined
    const found = typeof match === 'object' ? match : { path: layer.path ?? '', params: layer.params ?? {} }
    const taken = found.path.replace(/\/$/, '')
    // A regular expression may stop within a segment: the router passes that by.
    return path.startsWith(taken) && /^([/.]|$)/.test(path.slice(taken.length))
      ? { ...found, path: taken }
      : undefined
  } catch {
    // A path that cannot be decoded matches nothing.
    return undefined
  }
}

/** The template behind a match, such as `/tenants/:tenant`, which holds nothing that only the request knows. */
export function mountTemplate(layer: Layer, match: Match): string {
  const { path, pattern } = match
  if (typeof pattern === 'string') return pattern.replace(/\/$/, '')
  const expression = pattern ?? layer.regexp
  if (expression !== undefined) return templateOfExpression(expression, path, layer.keys)
  // Router 2.0 to 2.2 keep an expression to themselves.
  if (layer.matchers?.some(matcher => matcher.name === 'regexpMatcher')) return '/*'
  return templateByProbes(layer, path)
}

const WITH_INDICES = new WeakMap<RegExp, RegExp>()

function templateOfExpression(expression: RegExp, path: string, keys: Layer['keys'] = []): string {
  let indexed = WITH_INDICES.get(expression)
  if (indexed === undefined) {
    indexed = new RegExp(expression.source, `${expression.flags.replace(/[dgy]/g, '')}d`)
    WITH_INDICES.set(expression, indexed)
  }
  const source = expression.source.replaceAll(/\\(.)/g, '$1')
  let template = ''
  let end = 0
  const [, ...groups] = indexed.exec(path)?.indices ?? []
  for (const [index, span] of groups.entries()) {
    // Groups that took no part are undefined, and nested ones are within the one before.
    if (span === undefined || span[0] < end || span[0] === span[1]) continue
    const name = keys[index]?.name
    template += written(path.slice(end, span[0]), source) + (typeof name === 'string' ? `:${name}` : '*')
    end = span[1]
  }
  return template + written(path.slice(end), source)
}

/** The segments of `text` as the expression spells them; what it does not spell out, such as what `\d+` took, is `*`. */
function written(text: string, source: string): string {
  return text.replaceAll(/[^/]+/g, part => {
    const at = source.toLowerCase().indexOf(part.toLowerCase())
    return at === -1 ? '*' : source.slice(at, at + part.length)
  })
}

/** Changes one character after the other: one whose change shows up in a parameter belongs to that parameter. */
function templateByProbes(layer: Layer, path: string): string {
  // A change within an escape could make one that cannot be decoded.
  const plain = path.replaceAll(/%[0-9a-f]{2}/gi, 'x')
  const params = matchMount(layer, plain)?.params
  if (params === undefined) return '/*'
  let template = ''
  let last: string | undefined
  for (const [index, character] of [...plain].entries()) {
    const probe = `${plain.slice(0, index)}${character === '0' ? '1' : '0'}${plain.slice(index + 1)}`
    const probed = matchMount(layer, probe)?.params
    const changed = Object.keys(params).filter(one => probed && String(params[one]) !== String(probed[one]))
    // Between two parameters of a segment, both change.
    const name = changed.length === 1 ? changed[0] : undefined
    // Paths match in any case, so the request's spelling is one of many.
    if (name === undefined) template += character.toLowerCase()
    else if (name !== last) template += `${Array.isArray(params[name]) ? '*' : ':'}${name}`
    last = name
  }
  return template
}
