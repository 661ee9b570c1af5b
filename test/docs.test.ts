import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { type Inspector, startInspector } from '@langfuse-middleware/inspector'
import { transformSync } from 'esbuild'

const ROOT = join(__dirname, '..')
const DOCS = join(ROOT, 'docs')
const PAGES = readdirSync(DOCS).filter(name => name.endsWith('.md'))

const text = (page: string) => readFileSync(join(DOCS, page), 'utf8')

function blocks(page: string, ...languages: string[]): string[] {
  const block = new RegExp(`^\`\`\`(?:${languages.join('|')})\\n(.*?)^\`\`\``, 'gms')
  return [...text(page).matchAll(block)].map(([, code]) => code!)
}

describe.each(PAGES)('the page %s', page => {
  it('has code that can be parsed, and imports of ours that exist', () => {
    for (const code of blocks(page, 'js', 'ts')) {
      // A fragment may await, or be the members of an options object.
      const isMembers = /^\w+: /.test(code)
      const source = isMembers ? `({ ${code} })` : code
      expect(() => transformSync(source, { loader: 'ts', format: 'esm' })).not.toThrow()
      for (const [, names, name] of code.matchAll(
        /import \{([^}]+)\} from '(@langfuse-middleware\/[^']+)'/g,
      )) {
        const exported = require(name!) as Record<string, unknown>
        for (const one of names!.split(',')) {
          const imported = one
            .trim()
            .replace(/^type .*/, '')
            .split(' as ')[0]!
          if (imported !== '') expect(exported).toHaveProperty(imported)
        }
      }
    }
  })

  it('links only to files that exist', () => {
    const links = [...text(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link]) => link!)
    const missing = links.filter(link => !existsSync(join(dirname(join(DOCS, page)), link)))

    expect(missing).toEqual([])
  })
})

describe('programs to copy', () => {
  // Inside the checkout, so that the programs find the packages as an app would.
  const folder = mkdtempSync(join(ROOT, 'node_modules', '.docs-'))
  let inspector: Inspector
  let child: ChildProcess | undefined

  beforeAll(async () => {
    inspector = await startInspector({ port: 0, settleMs: 20 })
  })
  afterEach(() => child?.kill('SIGKILL'))
  afterAll(async () => {
    await inspector.close()
    rmSync(folder, { recursive: true })
  })

  async function run(program: string, env: Record<string, string> = {}): Promise<number> {
    inspector.clear()
    const file = join(folder, 'program.mjs')
    writeFileSync(file, program)
    const port = await freePort()
    child = spawn(process.execPath, [file], {
      env: { PATH: process.env.PATH, PORT: String(port), LANGFUSE_BASE_URL: inspector.url, ...env },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    return port
  }

  it.each([0, 1])('of the quickstart answer and are traced (%#)', async index => {
    const port = await run(blocks('quickstart.md', 'js')[index]!)

    expect(await answered(`http://127.0.0.1:${port}/hello/ada`)).toBe('{"hello":"ada"}')
    expect(await inspector.waitForTrace('GET /hello/:name')).toMatchObject({ statusCode: 200 })
  })

  it("of the README nest the plain OpenAI client's call under its request", async () => {
    const { startFakeLlm } = require(join(ROOT, 'examples/fake-llm/fake-llm.mjs')) as {
      startFakeLlm(): Promise<{ url: string; close(): Promise<void> }>
    }
    const llm = await startFakeLlm()
    const port = await run(blocks(join('..', 'README.md'), 'js')[0]!, {
      OPENAI_API_KEY: 'any',
      OPENAI_BASE_URL: llm.url,
    })
    await answered(`http://127.0.0.1:${port}/`)
    const response = await fetch(`http://127.0.0.1:${port}/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([{ role: 'user', content: 'hello' }]),
    })
    const { content } = (await response.json()) as { content: string }
    const trace = await inspector.waitForTrace('POST /chat')
    await llm.close()

    expect(trace.observations.map(({ name, type }) => [name, type])).toEqual([
      ['POST /chat', 'span'],
      ['chat gpt-4.1-mini', 'generation'],
    ])
    expect(JSON.stringify(trace.observations[1]!.output)).toContain(content)
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

async function answered(url: string): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await (await fetch(url)).text()
    } catch (error) {
      if (attempt === 1_000) throw error
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
}
