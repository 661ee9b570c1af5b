import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Returns what tells the part of a program that a frame of a profile belongs to: our files by source, all else by package. */
export function createPartFinder() {
  const regions = new Map()
  return ({ functionName, url, lineNumber }) => {
    if (url === '') return functionName.startsWith('(') ? functionName : 'node, native'
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
