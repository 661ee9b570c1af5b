import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { output } from './packed-packages.ts'

const ROOT = join(__dirname, '..')
const PACKAGES = readdirSync(join(ROOT, 'packages')).filter(name => !name.startsWith('.'))

/** Unpacked kilobytes that a package may have; others 150. */
const MAX_KILOBYTES: Readonly<Record<string, number>> = {
  core: 700,
  delivery: 350,
  evaluate: 250,
  inspector: 1_500,
  'llm-calls': 300,
  queue: 350,
}

/** Files that importing an entry point may load before anything is traced. */
const MAX_LOADED_FILES = 12

interface LockedPackage {
  readonly license?: string
  readonly link?: boolean
  readonly resolved?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const ALLOWED_LICENSES = new Set([
  'MIT',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  '0BSD',
  'BlueOak-1.0.0',
])

/** A licence expression is allowed if one of its alternatives is. */
function isAllowed(license: string | undefined): boolean {
  const alternatives = (license ?? '').replace(/[()]/g, '').split(' OR ')
  return alternatives.some(alternative =>
    alternative.split(' AND ').every(name => ALLOWED_LICENSES.has(name)),
  )
}

describe('a published package', () => {
  it.each(PACKAGES)('%s stays small', async name => {
    const [packed] = JSON.parse(
      await output('npm', ['pack', '--dry-run', '--json', `--workspace=packages/${name}`]),
    ) as [{ unpackedSize: number; files: { path: string }[] }]

    expect(packed.unpackedSize / 1_024).toBeLessThan(MAX_KILOBYTES[name] ?? 150)
    const paths = packed.files.map(({ path }) => path)
    expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']))
    expect(paths.filter(path => /^(src|test|node_modules)\//.test(path))).toEqual([])
  })

  it.each(['express', 'fastify'])(
    '%s loads neither Langfuse nor OpenTelemetry when it is imported',
    async name => {
      const script = `
      require('@langfuse-middleware/${name}')
      console.log(JSON.stringify(Object.keys(require.cache)))
    `
      const loaded = JSON.parse(await output(process.execPath, ['--eval', script])) as string[]
      const foreign = loaded.filter(file => /node_modules[\\/](@langfuse|@opentelemetry)[\\/]/.test(file))

      expect(foreign).toEqual([])
      expect(loaded.length).toBeLessThanOrEqual(MAX_LOADED_FILES)
    },
  )
})

it('the packages depend only on code under licences that anybody may use', () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>
  }
  const refused = new Map<string, string>()
  const seen = new Set<string>()
  const waiting = PACKAGES.map(name => `packages/${name}`)
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const locked = packages[path]
    if (locked === undefined || seen.has(path)) continue
    seen.add(path)
    if (locked.link) waiting.push(locked.resolved!)
    else if (!isAllowed(locked.license)) refused.set(path, locked.license ?? 'none')
    for (const name of Object.keys({ ...locked.dependencies, ...locked.optionalDependencies })) {
      const found = placesOf(name, path).find(place => place in packages)
      if (found !== undefined) waiting.push(found)
    }
  }

  expect([...refused]).toEqual([])
  expect(seen.size).toBeGreaterThan(PACKAGES.length + 10)
})

/** Where Node.js looks for a package that the code at `path` loads, nearest first. */
function placesOf(name: string, path: string): string[] {
  const places: string[] = []
  for (let folder = path; folder !== ''; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    if (!folder.endsWith('node_modules')) places.push(`${folder}/node_modules/${name}`)
  }
  return [...places, `node_modules/${name}`]
}
