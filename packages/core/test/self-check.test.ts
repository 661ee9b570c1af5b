import { execFile } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { traceJob } from '@langfuse-middleware/core'
import { recordTraces } from '@langfuse-middleware/testing'
import { type Context, context, ROOT_CONTEXT } from '@opentelemetry/api'

const modules = join(__dirname, '../../../node_modules')
const core = join(__dirname, '..')
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'self-check-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

interface Result {
  readonly atStart: number
  readonly warnings: string[]
  readonly spans: number
}

async function run(...args: string[]): Promise<Result> {
  const program = join(__dirname, 'fixtures', 'self-check.mjs')
  return JSON.parse((await promisify(execFile)(process.execPath, [program, ...args])).stdout)
}

/** A second copy of the API, as a dependency of some library brings one. */
function copyOfApi(installed: string): string {
  const copy = join(folder, 'node_modules', '@opentelemetry', 'api')
  cpSync(join(modules, installed), copy, { recursive: true })
  return copy
}

describe('of the copies of @opentelemetry/api', () => {
  it('warns at the start where another version was first, with both places, what it costs and the remedy', async () => {
    const copy = copyOfApi('otel-api-1.8')
    const { atStart, warnings } = await run(core, copy, 'before')
    expect(atStart).toBe(1)
    expect(warnings).toEqual([
      expect.stringMatching(/several versions of @opentelemetry\/api are loaded/),
      expect.stringMatching(/no context manager, and refused ours.*one version of @opentelemetry\/api/s),
    ])
    expect(warnings[0]).toContain(`1.8.0 (${copy}`)
    expect(warnings[0]).toContain(join(modules, '@opentelemetry', 'api'))
    expect(warnings[0]).toMatch(/1\.8\.0 was first.*npm ls @opentelemetry\/api.*npm dedupe.*overrides/s)
  })

  it('warns with the first observation where another version came later, once', async () => {
    const { atStart, warnings, spans } = await run(core, copyOfApi('otel-api-1.8'), 'after')
    expect(atStart).toBe(0)
    expect(warnings).toEqual([expect.stringContaining('several versions of @opentelemetry/api are loaded')])
    expect(spans).toBe(4)
  })

  it('says nothing where they are of one version, which work together', async () => {
    expect(await run(core, copyOfApi('@opentelemetry/api'), 'before')).toEqual({
      atStart: 0,
      warnings: [],
      spans: 4,
    })
  })
})

it('says nothing where all is well', async () => {
  expect(await run(core)).toEqual({ atStart: 0, warnings: [], spans: 4 })
})

it('warns of an SDK that Langfuse does not work with, and what to install', async () => {
  const packages = join(folder, 'node_modules')
  const copied = ['@langfuse-middleware/core', '@opentelemetry/core']
  for (const name of copied) {
    const from = name === copied[0] ? core : join(modules, name)
    cpSync(from, join(packages, name), {
      recursive: true,
      filter: path => !/[\\/](src|test|node_modules)$/.test(path.slice(from.length)) || name !== copied[0],
    })
  }
  const manifest = join(packages, '@opentelemetry/core/package.json')
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(/"version": "2[^"]*"/, '"version": "3.1.0"'))
  // All others as they are installed.
  const all = readdirSync(modules).filter(name => !name.startsWith('.'))
  for (const name of all.flatMap(scope =>
    scope.startsWith('@') ? readdirSync(join(modules, scope)).map(name => `${scope}/${name}`) : scope,
  )) {
    if (copied.includes(name)) continue
    mkdirSync(dirname(join(packages, name)), { recursive: true })
    symlinkSync(join(modules, name), join(packages, name))
  }
  const { warnings } = await run(join(packages, '@langfuse-middleware/core'))
  expect(warnings).toEqual([
    expect.stringMatching(
      /must be of version 2, and there is @opentelemetry\/core 3\.1\.0: .*Install .*core@2/s,
    ),
  ])
})

describe('of the context manager', () => {
  afterEach(() => context.disable())

  it('warns of one that forgets the context at an await', async () => {
    let active: Context = ROOT_CONTEXT
    context.setGlobalContextManager({
      active: () => active,
      with(next, fn, thisArg, ...args) {
        const before = active
        active = next
        try {
          return fn.apply(thisArg as never, args)
        } finally {
          active = before
        }
      },
      bind: (_context, target) => target,
      enable() {
        return this
      },
      disable() {
        return this
      },
    })
    const warnings: string[] = []
    const recorder = recordTraces({
      logger: { info() {}, warn: line => warnings.push(line), error: line => warnings.push(line) },
    })
    await traceJob('job', () => Promise.resolve())
    await recorder.close()
    expect(warnings).toEqual([
      expect.stringMatching(
        /forgets the context at an await: .*setGlobalContextManager\(new AsyncLocalStorage/s,
      ),
    ])
  })
})
