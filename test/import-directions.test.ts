import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { problemsIn, ROOMS, readSources } from './rooms.ts'

const ROOT = join(__dirname, '..')

type Import = readonly [file: string, imported: string]

const forbidden: Import[] = [
  ['packages/express/src/a.ts', '@langfuse-middleware/core'],
  ['packages/express/src/b.ts', '@langfuse-middleware/delivery'],
  ['packages/express/src/c.ts', '@langfuse-middleware/fastify'],
  ['packages/express/src/d.ts', '@opentelemetry/api'],
  ['packages/express/src/e.ts', '../../core/src/adapter.ts'],
  ['packages/fastify/src/a.ts', '@langfuse-middleware/core'],
  ['packages/fastify/src/b.ts', '@langfuse/tracing'],
  ['packages/any-other-framework/src/a.ts', '@langfuse-middleware/core'],
  ['packages/core/src/a.ts', '@langfuse-middleware/express'],
  ['packages/core/src/b.ts', '@langfuse-middleware/testing'],
  ['packages/core/src/c.ts', 'fastify'],
  ['packages/core/src/d.ts', '../../delivery/src/index.ts'],
  ['packages/core/src/e.ts', '@langfuse-middleware/inspector'],
  ['packages/delivery/src/a.ts', '@langfuse-middleware/core'],
  ['packages/delivery/src/b.ts', '@langfuse/otel'],
  ['packages/delivery/src/spool/c.ts', '../../../core/src/index.ts'],
  ['packages/llm-calls/src/a.ts', '@langfuse-middleware/delivery'],
  ['packages/llm-calls/src/b.ts', '@opentelemetry/api'],
  ['packages/queue/src/a.ts', '@langfuse-middleware/core'],
  ['packages/queue/src/b.ts', '../../delivery/src/index.ts'],
  ['packages/inspector/src/a.ts', '@langfuse-middleware/core'],
  ['packages/inspector/src/b.ts', '../../core/src/index.ts'],
  ['packages/testing/src/a.ts', '@langfuse-middleware/express'],
  ['packages/testing/src/b.ts', 'express'],
  ['packages/testing/src/c.ts', '../../core/src/index.ts'],
  ['packages/express/test/a.ts', '../../core/src/index.ts'],
  ['packages/express/test/fixtures/b.ts', '../../../core/src/index.ts'],
  ['examples/chat/a.mjs', '../../packages/core/src/index.ts'],
  ['examples/chat/b.mjs', '../../packages/core/dist/index.mjs'],
  ['benchmarks/overhead/a.mjs', '../../packages/core/dist/index.mjs'],
  ['test/a.test.ts', '../packages/core/src/index.ts'],
]

const allowed: Import[] = [
  ['packages/express/src/z.ts', '@langfuse-middleware/core/adapter'],
  ['packages/express/src/y.ts', 'express'],
  ['packages/core/src/z.ts', '@langfuse-middleware/delivery'],
  ['packages/core/src/w.ts', '@langfuse-middleware/llm-calls'],
  ['packages/core/src/y.ts', '@langfuse/tracing'],
  ['packages/core/src/inspector/local-inspector.ts', '@langfuse-middleware/inspector'],
  ['packages/delivery/src/z.ts', '@opentelemetry/core'],
  ['packages/delivery/src/spool/y.ts', '../clock.ts'],
  ['packages/queue/src/z.ts', '@langfuse-middleware/delivery'],
  ['packages/inspector/src/z.ts', '../package.json'],
  ['packages/testing/src/z.ts', '@langfuse-middleware/core'],
  ['packages/express/test/z.ts', '../src/index.ts'],
  ['packages/express/test/fixtures/z.ts', '../../src/index.ts'],
  ['packages/express/test/y.ts', '@langfuse-middleware/testing'],
  ['examples/chat/z.mjs', '@langfuse-middleware/express'],
]

/** The files in which Biome, as this workspace configures it, finds an import that goes the wrong way. */
async function offenders(imports: readonly Import[]): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'import-directions-'))
  try {
    for (const folder of ['.', 'examples', 'benchmarks', 'test', ...new Set(imports.map(packageOf))]) {
      const config = join(folder, 'biome.json')
      if (!existsSync(join(ROOT, config))) continue
      await mkdir(join(directory, folder), { recursive: true })
      await copyFile(join(ROOT, config), join(directory, config))
    }
    for (const [file, imported] of imports) {
      await mkdir(dirname(join(directory, file)), { recursive: true })
      const kind = file.endsWith('.ts') ? 'type' : ''
      await writeFile(join(directory, file), `export ${kind} { some } from '${imported}'\n`)
    }
    const biome = join(ROOT, 'node_modules', '@biomejs', 'biome', 'bin', 'biome')
    const options = ['--only=style/noRestrictedImports', '--reporter=json', '--max-diagnostics=none']
    // Biome fails when it finds something, and that is what it is here for.
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [biome, 'lint', '--vcs-enabled=false', ...options, '.'],
      { cwd: directory },
    ).catch(failure => failure)
    const { diagnostics } = JSON.parse(stdout) as {
      diagnostics: { category: string; location: { path: string } }[]
    }
    expect(new Set(diagnostics.map(({ category }) => category))).toEqual(
      new Set(['lint/style/noRestrictedImports']),
    )
    return diagnostics.map(({ location }) => location.path)
  } finally {
    await rm(directory, { recursive: true })
  }
}

const packageOf = ([file]: Import) => file.split('/').slice(0, 2).join('/')

describe('the lint of import directions', () => {
  let found: string[]

  beforeAll(async () => {
    found = await offenders([...forbidden, ...allowed])
  })

  it.each(forbidden)('keeps %s from importing %s', file => {
    expect(found).toContain(file)
  })

  it.each(allowed)('lets %s import %s', file => {
    expect(found).not.toContain(file)
  })
})

describe('the rooms of a package', () => {
  it.each(readdirSync(join(ROOT, 'packages')))('of %s hold every file, and import downwards only', folder => {
    expect(problemsIn(readSources(join(ROOT, 'packages', folder)), ROOMS[folder])).toEqual([])
  })

  const layout = { entryPoints: ['src/index.ts'], rooms: ['src/upper', 'src/lower'] }
  const lower = ['src/lower/b.ts', ''] as const

  it('are left only downwards: an import into a higher room is reported', () => {
    const sources = new Map([lower, ['src/upper/a.ts', "import { b } from '../lower/b.ts'"]])
    expect(problemsIn(sources, layout)).toEqual([])
    sources.set('src/lower/c.ts', "import type { A } from '../upper/a.ts'")
    sources.set('src/lower/d.ts', "export * from '../index.ts'")
    sources.set('src/index.ts', '')
    expect(problemsIn(sources, layout)).toEqual([
      'src/lower/c.ts imports upwards: src/upper/a.ts',
      'src/lower/d.ts imports upwards: src/index.ts',
    ])
  })

  it('hold every file but the entry points: a file outside is reported', () => {
    const sources = new Map([lower, ['src/index.ts', "export * from './lower/b.ts'"]])
    expect(problemsIn(sources, layout)).toEqual([])
    sources.set('src/helpers.ts', '')
    sources.set('src/lower/deeper/c.ts', '')
    expect(problemsIn(sources, layout)).toEqual([
      'src/helpers.ts is in no room',
      'src/lower/deeper/c.ts is in no room',
    ])
  })

  it.each([undefined, layout])('are free of circles: one is reported, within a room too (%#)', rooms => {
    const sources = new Map([
      lower,
      ['src/upper/a.ts', "import './b.ts'"],
      ['src/upper/b.ts', "export const c = () => import('./c.ts')"],
      ['src/upper/c.ts', "import { b } from '../lower/b.ts'\nexport type { A } from './a.ts'"],
    ])
    expect(problemsIn(sources, rooms)).toEqual([
      'circle: src/upper/a.ts → src/upper/b.ts → src/upper/c.ts → src/upper/a.ts',
    ])
  })
})
