import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Returns what tells the part of a program that a call in a profile belongs to: our files by source, all else by package; what the language
 * itself provides, such as `Map`, belongs to its caller.
 */
export function createPartFinder() {
  const regions = new Map()
  return function partOf({ callFrame: { functionName, url, lineNumber }, caller }) {
    if (url === '') {
      if (functionName.startsWith('(') || caller === undefined)
        return { part: functionName, name: functionName }
      const { part, name } = partOf(caller)
      return { part, name: `${functionName} < ${name}` }
    }
    const part = partAt(url, lineNumber)
    return { part, name: `${functionName || '(anonymous)'}  ${url.startsWith('node:') ? url : part}` }
  }

  function partAt(url, lineNumber) {
    if (url.startsWith('node:')) return 'node'
    const path = url.startsWith('file:') ? fileURLToPath(url) : url
    const ours = path.match(/\/packages\/([^/]+)\/(?:dist|src)\//)
    if (ours !== null) return `ours: ${ours[1]}/${sourceOf(path, lineNumber)}`
    const [, name] = path.match(/.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/) ?? []
    if (name === undefined) return 'the benchmark'
    return /^@(langfuse|opentelemetry)\//.test(name) ? name : 'framework'
  }

  /** The bundler leaves a comment at the start of each source file's code. */
  function sourceOf(path, line) {
    if (!regions.has(path)) regions.set(path, readFileSync(path, 'utf8').split('\n').map(region))
    return regions.get(path).findLast((name, index) => name !== undefined && index <= line) ?? 'index'
  }
}

function region(line) {
  return line.match(/^\/\/#region src\/(.+)$/)?.[1]
}
