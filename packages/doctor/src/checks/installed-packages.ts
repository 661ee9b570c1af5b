import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** One copy of a package. */
export interface InstalledPackage {
  readonly name: string
  readonly version: string
  /** Relative to the app. */
  readonly folder: string
}

const MAX_FOLDERS = 50_000

/** Every copy of the wanted packages that code of the app may load, in its own and in outer `node_modules` folders. */
export function installedPackages(
  directory: string,
  isWanted: (name: string) => boolean,
): InstalledPackage[] {
  const found = new Map<string, InstalledPackage>()
  const waiting: string[] = []
  for (let folder = directory; ; folder = dirname(folder)) {
    waiting.push(join(folder, 'node_modules'))
    if (folder === dirname(folder)) break
  }
  for (let visited = 0; waiting.length > 0 && visited < MAX_FOLDERS; visited++) {
    for (const folder of packageFolders(waiting.pop()!)) {
      const copy = read(folder)
      if (copy === undefined) continue
      waiting.push(join(folder, 'node_modules'))
      if (isWanted(copy.name))
        found.set(realpathSync(folder), { ...copy, folder: relative(directory, folder) })
    }
  }
  return [...found.values()].sort((left, right) => (left.name < right.name ? -1 : 1))
}

/** The packages in a `node_modules` folder, in scopes and in pnpm's store too. */
function packageFolders(nodeModules: string): string[] {
  return namesIn(nodeModules).flatMap(name => {
    const folder = join(nodeModules, name)
    if (name.startsWith('@')) return namesIn(folder).map(inner => join(folder, inner))
    if (name === '.pnpm')
      return namesIn(folder).flatMap(entry => packageFolders(join(folder, entry, 'node_modules')))
    return name.startsWith('.') ? [] : [folder]
  })
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read(folder: string): { name: string; version: string } | undefined {
  try {
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    // The name by which code loads it: npm installs an alias under another name than that of its manifest.
    const name = /(?:@[^\\/]+[\\/])?[^\\/]+$/.exec(folder)![0].replace('\\', '/')
    return typeof version === 'string' ? { name, version } : undefined
  } catch {
    return undefined
  }
}
