import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'

/** The rooms of a package, top down: a file imports its own room and rooms further down. */
export interface Rooms {
  /** Files outside of any room. */
  readonly entryPoints: readonly string[]
  readonly rooms: readonly string[]
}

/** Packages that are not listed are only checked for circles. */
export const ROOMS: Readonly<Record<string, Rooms>> = {
  core: {
    entryPoints: ['src/index.ts', 'src/adapter.ts'],
    rooms: [
      'src/api',
      'src/start',
      'src/trace',
      'src/other-tracers',
      'src/delivery',
      'src/mirrors',
      'src/provider',
      'src/inspector',
      'src/llm-calls',
      'src/buffer',
      'src/request',
      'src/export',
      'src/context',
      'src/options',
      'src/capture',
      'src/capture/text',
      'src/http',
      'src/propagation',
      'src/basics',
    ],
  },
  delivery: {
    entryPoints: ['src/index.ts', 'src/options.ts'],
    rooms: ['src/outbox', 'src/spool', 'src/queue', 'src/senders', 'src/wire', 'src/basics'],
  },
  'llm-calls': {
    entryPoints: ['src/index.ts'],
    rooms: ['src/watch', 'src/reading', 'src/dialects', 'src/answer', 'src/wire'],
  },
  doctor: {
    entryPoints: ['src/index.ts', 'src/cli.ts', 'src/diagnose.ts'],
    rooms: ['src/checks', 'src/report'],
  },
  evaluate: {
    entryPoints: ['src/index.ts', 'src/matchers.ts', 'src/cli.ts'],
    rooms: [
      'src/command',
      'src/run',
      'src/langfuse',
      'src/report',
      'src/verdict',
      'src/evaluators',
      'src/target',
      'src/trace',
      'src/data',
      'src/basics',
    ],
  },
  queue: {
    entryPoints: ['src/index.ts', 'src/kafka.ts', 'src/sqs.ts', 'src/redis.ts', 'src/cli.ts'],
    rooms: [
      'src/command-line',
      'src/worker',
      'src/tail-sampling',
      'src/monitoring',
      'src/address',
      'src/kafka',
      'src/sqs',
      'src/redis',
      'src/contract',
      'src/basics',
    ],
  },
  inspector: {
    entryPoints: ['src/index.ts', 'src/cli.ts', 'page/app.tsx'],
    rooms: [
      'page/shell',
      'page/pages',
      'page/list',
      'page/trace',
      'page/content',
      'page/parts',
      'page/data',
      'src/start',
      'src/mcp',
      'src/server',
      'src/terminal',
      'src/outgoing',
      'src/store',
      'src/reading',
      'src/reading/chat',
      'src/otlp',
      'src/basics',
    ],
  },
}

/** The source of each file, by its path in the package. */
export type Sources = ReadonlyMap<string, string>

/** Reads the TypeScript files below `src` and `page` of a package. */
export function readSources(packageFolder: string): Sources {
  const sources = new Map<string, string>()
  for (const entry of readdirSync(packageFolder, { recursive: true, withFileTypes: true })) {
    const file = relative(packageFolder, join(entry.parentPath, entry.name)).split(sep).join('/')
    if (entry.isFile() && /^(src|page)\/.*\.tsx?$/.test(file)) {
      sources.set(file, readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    }
  }
  return sources
}

/** Describes every file outside of the rooms, import that runs upwards, and circle; empty if there is none. */
export function problemsIn(sources: Sources, layout?: Rooms): string[] {
  const imports = new Map([...sources].map(([file, source]) => [file, importsOf(file, source, sources)]))
  return [...(layout ? misplaced(imports, layout) : []), ...circles(imports)]
}

type Imports = ReadonlyMap<string, readonly string[]>

function importsOf(file: string, source: string, sources: Sources): string[] {
  const specifiers = source.matchAll(/\b(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)
  return [...specifiers]
    .map(([, path]) => posix.join(dirname(file), path as string))
    .filter(imported => sources.has(imported))
}

function misplaced(imports: Imports, { entryPoints, rooms }: Rooms): string[] {
  const floorOf = (file: string) => (entryPoints.includes(file) ? -1 : rooms.indexOf(dirname(file)))
  return [...imports].flatMap(([file, imported]) => {
    if (!entryPoints.includes(file) && floorOf(file) === -1) return [`${file} is in no room`]
    return imported
      .filter(target => floorOf(target) < floorOf(file))
      .map(target => `${file} imports upwards: ${target}`)
  })
}

function circles(imports: Imports): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const path: string[] = []

  function visit(file: string): void {
    if (path.includes(file)) {
      found.push(`circle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`)
      return
    }
    if (done.has(file)) return
    path.push(file)
    for (const imported of imports.get(file) ?? []) visit(imported)
    path.pop()
    done.add(file)
  }

  for (const file of imports.keys()) visit(file)
  return found
}
