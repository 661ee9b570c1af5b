import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { output } from './packed-packages.ts'

const ROOT = join(__dirname, '..')

describe('the end of a test run', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skipped-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  async function run(tests: string): Promise<string> {
    await writeFile(join(folder, 'some.test.js'), tests)
    const reporter = join(ROOT, 'scripts', 'skipped-tests-reporter.mjs')
    await writeFile(
      join(folder, 'jest.config.json'),
      JSON.stringify({ reporters: ['default', reporter], transform: {} }),
    )
    const script = `${process.execPath} ${join(ROOT, 'node_modules/jest/bin/jest.js')} --config jest.config.json 2>&1`
    const lines = (await output('sh', ['-c', script], folder)).trimEnd().split('\n')
    return lines.at(-1) as string
  }

  it('says in its last line which tests were skipped and why', async () => {
    const line = await run(`
      describe.skip('a page [skipped: no Chromium]', () => { it('opens', () => {}); it('closes', () => {}) })
      it('runs', () => {})
    `)
    expect(line).toBe('Skipped: 2 tests of some.test.js (no Chromium)')
  }, 60_000)

  it('says nothing of that if no test was skipped', async () => {
    expect(await run(`it('runs', () => {})`)).not.toContain('Skipped')
  }, 60_000)
})
