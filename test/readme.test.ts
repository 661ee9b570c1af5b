import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Inspector, startInspector } from '@langfuse-middleware/inspector'

const root = join(__dirname, '..')

let inspector: Inspector
let child: ChildProcess | undefined
// Inside the checkout, so that the examples find the packages as an app would.
const folder = mkdtempSync(join(root, 'node_modules', '.readme-'))

beforeAll(async () => {
  inspector = await startInspector({ port: 0, settleMs: 20 })
})

afterEach(() => {
  child?.kill('SIGKILL')
  inspector.clear()
})

afterAll(async () => {
  await inspector.close()
  rmSync(folder, { recursive: true })
})

function blocks(name: string, language: string): string {
  const readme = readFileSync(join(root, 'packages', name, 'README.md'), 'utf8')
  return [...readme.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))]
    .map(match => match[1])
    .join('\n')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

function run(name: string, env: Record<string, string> = {}): ChildProcess {
  const file = join(folder, `${name}.mjs`)
  writeFileSync(file, blocks(name, 'js'))
  child = spawn(process.execPath, [file], {
    env: { PATH: process.env.PATH, LANGFUSE_BASE_URL: inspector.url, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return child
}

/** Does what a `curl` line of a README does. */
function curl(line: string, port: number): Promise<Response> {
  const [, path] = /localhost:3000(\S*)/.exec(line) ?? []
  const [, body] = /-d '(.*?)'/.exec(line) ?? []
  const [, header, value] = /-H '(\S+): (.*?)'/.exec(line) ?? []
  return fetch(`http://127.0.0.1:${port}${path}`, {
    ...(body !== undefined && { method: 'POST', body }),
    ...(header !== undefined && { headers: { [header]: value as string } }),
  })
}

it.each(['express', 'fastify', 'koa', 'hono', 'node'])(
  "the %s README's app runs, and its commands leave the traces it promises",
  async name => {
    const port = await freePort()
    run(name, { PORT: String(port) })
    const commands = blocks(name, 'sh')
      .split('\n')
      .filter(line => line.startsWith('curl'))
    expect(commands.length).toBeGreaterThan(0)
    await answering(port)
    for (const command of commands) expect((await curl(command, port)).status).toBe(200)

    const trace = await inspector.waitForTrace('chat')
    expect(trace).toMatchObject({
      userId: 'ada',
      tags: ['llm'],
      statusCode: 200,
      input: 'hello',
      output: 'You said: hello',
    })
    expect(trace.observations.map(one => [one.name, one.type, one.userId])).toEqual([
      ['chat', 'span', 'ada'],
      ['answer', 'generation', 'ada'],
    ])
    expect(await inspector.waitForTrace('POST /echo')).toMatchObject({
      input: 'hello',
      output: { role: 'assistant', content: 'hello' },
    })
    expect(inspector.traces().map(one => one.name)).not.toContain('GET /health')
  },
)

it.each(['core', 'testing', 'evaluate'])("the %s README's program runs to its end", async name => {
  const [code] = await once(run(name), 'exit')
  expect(code).toBe(0)
})

it("the core README's program sends what it traces", async () => {
  await once(run('core'), 'exit')
  const trace = await inspector.waitForTrace('reindex')
  expect(trace.output).toBe('2 documents')
  expect(trace.observations.map(one => one.name)).toEqual(['reindex', 'load'])
})

async function answering(port: number): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const answered = await fetch(`http://127.0.0.1:${port}/health`).then(
      response => response.ok,
      () => false,
    )
    if (answered) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  throw new Error('the example does not listen')
}
