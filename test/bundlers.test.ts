import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { type Inspector, startInspector } from '@langfuse-middleware/inspector'
import { guide } from './guide.ts'
import { addFixture, install, output, pack } from './packed-packages.ts'

const MODULES = join(__dirname, '..', 'node_modules')

const recipes = [...guide('bundlers')].flatMap(([bundler, blocks]) => {
  const files = blocks.filter(block => block.file !== undefined)
  const commands = blocks.filter(block => block.language === 'sh')
  return commands.map(({ code }) => ({ bundler, files, command: code.replaceAll('npx ', '').trim() }))
})

describe("an app bundled by the guide's command, without node_modules", () => {
  let directory: string
  let elsewhere: string
  let inspector: Inspector

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'bundlers-'))
    elsewhere = await mkdtemp(join(tmpdir(), 'bundled-'))
    // With the limiter of Express, and without the one of Fastify, which is as optional.
    await install(directory, await pack(directory), ['express-rate-limit'])
    await symlink(join(MODULES, '@rollup'), join(directory, 'node_modules', '@rollup'))
    inspector = await startInspector({ port: 0, settleMs: 20 })
  }, 300_000)

  afterEach(() => inspector.clear())

  afterAll(async () => {
    await inspector.close()
    await rm(directory, { recursive: true })
    await rm(elsewhere, { recursive: true })
  })

  const apps = recipes.flatMap((recipe, index) => {
    // Each bundler with one framework, and the one that is used most with both.
    const names = recipe.bundler === 'esbuild' ? ['express', 'fastify'] : [index % 2 ? 'fastify' : 'express']
    return names.map(app => ({ ...recipe, app }))
  })

  it.each(apps)('traces the requests of $app: $command', async ({ app, files, command }) => {
    await addFixture(directory, `bundled/${app}.mjs`, 'app.mjs')
    for (const { file, code } of files) await writeFile(join(directory, file as string), code)
    const path = [join(MODULES, '.bin'), process.env.PATH].join(delimiter)
    await promisify(execFile)('sh', ['-ec', command], { cwd: directory, env: { ...process.env, PATH: path } })
    await rm(elsewhere, { recursive: true })
    await rename(join(directory, 'dist'), elsewhere)
    const bundle = (await readdir(elsewhere)).find(file => /^app\.[cm]js$/.test(file)) as string

    const env = { PATH: process.env.PATH, LANGFUSE_BASE_URL: inspector.url }
    const printed = await output(process.execPath, [bundle], elsewhere, env)
    expect(printed).toContain(app === 'express' ? 'feedback 202, 429' : 'feedback 202, 202')
    const trace = await inspector.waitForTrace('GET /users/:id')
    expect(trace.output).toMatchObject({ user: { email: '[redacted]' } })
    expect(trace.observations.map(one => [one.name, one.type, one.userId])).toEqual([
      ['GET /users/:id', 'span', 'ada'],
      ['answer', 'generation', 'ada'],
    ])
    expect(trace.scores.map(score => score.name)).toEqual(['helpful'])
    expect(inspector.traces()).toHaveLength(1)
  })
})
