import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addFixture, compile, install, output, pack, published, type Tarball } from './packed-packages.ts'

const BIN = join(__dirname, '..', 'node_modules', '.bin')

describe('the packed packages', () => {
  let directory: string
  let tarballs: Tarball[]

  const tarballOf = (name: string) => tarballs.find(tarball => tarball.name === name) as Tarball
  const run = (program: string) => output(process.execPath, [program], directory)

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'packaging-'))
    tarballs = await pack(directory)
    await install(directory, tarballs)
  }, 300_000)

  afterAll(() => rm(directory, { recursive: true }))

  describe.each(published)('%s', name => {
    it('holds its licence, its build and nothing else', () => {
      const { files } = tarballOf(name)
      expect(files).toEqual(
        expect.arrayContaining(['LICENSE', 'package.json', 'dist/index.mjs', 'dist/index.cjs']),
      )
      expect(
        files.filter(
          file =>
            !/^(LICENSE|README\.md|package\.json|collector\/[^/]+\.yaml|dist\/[^/]+\.[cm]?js|dist\/[^/]+\.d\.[cm]ts|dist\/page\/(styles\/)?[^/]+\.(css|js|svg)|dist\/licenses\/.+)$/.test(
              file,
            ),
        ),
      ).toEqual([])
    })

    it('is what its manifest says, in the eyes of publint', async () => {
      await output(join(BIN, 'publint'), ['--strict', tarballOf(name).path])
    })

    it('has types that every module resolution finds', async () => {
      await output(join(BIN, 'attw'), ['--no-definitely-typed', tarballOf(name).path])
    }, 60_000)
  })

  describe.each(['express', 'fastify'])('with %s', framework => {
    it.each(['mjs', 'cjs'])('traces a request in JavaScript, as .%s', async extension => {
      await addFixture(directory, `${framework}.${extension}`)
      expect(await run(`${framework}.${extension}`)).toBe('GET /users/:id by ada')
    })

    it.each(['mts', 'cts'])(
      'types and traces a request in TypeScript, as .%s',
      async extension => {
        const source = `typed-${framework}.${extension}`
        await addFixture(directory, `${framework}.ts`, source)
        expect(await compile(directory, source)).toEqual([])
        expect(await run(source.replace('ts', 'js'))).toBe('GET /users/:id by ada')
      },
      60_000,
    )
  })

  it('are one copy if an app both imports and requires them, and several copies share one tracing', async () => {
    await addFixture(directory, 'two-copies.mjs')
    expect(JSON.parse(await run('two-copies.mjs'))).toEqual({
      isOneCopy: true,
      copies: 2,
      tracings: 1,
      lines: 1,
      oneRequest: true,
      oneContext: true,
      traces: [['GET /', 'child']],
    })
  })

  it('bring the inspector as a command', async () => {
    expect(
      await output(join(directory, 'node_modules', '.bin', 'langfuse-inspector'), ['--version']),
    ).toMatch(/^\d+\.\d+\.\d+/)
  })
})
