import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startInspector } from '@langfuse-middleware/inspector'
import { type FakeLangfuse, startFakeLangfuse } from './fake-langfuse.ts'

const CLI = join(__dirname, '..', 'dist', 'cli.mjs')
const FIXTURES = join(__dirname, 'fixtures')

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'evaluate-cli-'))
})

afterEach(() => rm(directory, { recursive: true }))

function run(args: string[], env: Record<string, string> = {}) {
  return new Promise<{ code: number; stdout: string; stderr: string }>(resolve => {
    const { PATH, HOME } = process.env
    const options = { env: { PATH, HOME, NODE_ENV: 'test', ...env }, timeout: 60_000 }
    execFile(process.execPath, [CLI, ...args], options, (error, stdout, stderr) =>
      resolve({
        code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
        stdout,
        stderr,
      }),
    )
  })
}

describe('the command', () => {
  it('runs a TypeScript config, writes the reports and exits with 0', async () => {
    const files = Object.fromEntries(
      ['junit', 'markdown', 'json', 'summary'].map(name => [name, join(directory, name)]),
    ) as Record<'junit' | 'markdown' | 'json' | 'summary', string>
    const { code, stdout, stderr } = await run(
      [
        join(FIXTURES, 'greeting.config.ts'),
        '--junit',
        files.junit,
        '--markdown',
        files.markdown,
        '--json',
        files.json,
      ],
      { GITHUB_STEP_SUMMARY: files.summary },
    )

    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^PASS {2}greeting {2}2 items/)
    expect(await readFile(files.junit, 'utf8')).toContain('<testsuite name="greeting" tests="3"')
    expect(await readFile(files.markdown, 'utf8')).toBe(await readFile(files.summary, 'utf8'))
    expect(JSON.parse(await readFile(files.json, 'utf8'))).toMatchObject({ passed: true })
  })

  it('exits with 1 if a threshold is missed', async () => {
    const { code, stdout } = await run([join(FIXTURES, 'greeting.config.ts')], { GREETING: 'Bye' })

    expect(code).toBe(1)
    expect(stdout).toContain('✗ contains: mean is 0, must be at least 1')
  })

  it.each([
    [['missing.ts'], 'there is no config missing.ts'],
    [[], 'name a config file'],
    [['a.ts', '--concurency', '2'], "Unknown option '--concurency'"],
    [
      [join(FIXTURES, 'greeting.config.ts'), '--sample', 'many'],
      '--sample must be a whole number, got "many"',
    ],
    [['dataset'], 'no traces to read: set LANGFUSE_BASE_URL'],
  ])('exits with 2 and the reason: %j', async (args, message) => {
    const { code, stderr } = await run(args)

    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })

  it('explains itself', async () => {
    expect((await run(['--help'])).stdout).toContain('Exit status: 0 passed')
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+/)
  })
})

const span = (
  id: string,
  { tags = [] as string[], level = 'DEFAULT', route = 'POST /ask', input = {} as unknown },
) => ({
  traceId: id.repeat(32),
  spanId: id.repeat(16),
  name: route,
  startTimeUnixNano: String(BigInt(Date.now()) * 1_000_000n),
  endTimeUnixNano: String(BigInt(Date.now() + 5) * 1_000_000n),
  attributes: [
    { key: 'langfuse.observation.input', value: { stringValue: JSON.stringify(input) } },
    { key: 'langfuse.observation.output', value: { stringValue: '{"answer":"x"}' } },
    { key: 'langfuse.observation.level', value: { stringValue: level } },
    { key: 'langfuse.observation.metadata.route', value: { stringValue: route } },
    {
      key: 'langfuse.trace.tags',
      value: { arrayValue: { values: tags.map(stringValue => ({ stringValue })) } },
    },
  ],
})

async function send(url: string, headers: Record<string, string>): Promise<void> {
  const input = { method: 'POST', path: '/ask', body: { question: 'q', password: 'hunter2' } }
  const spans = [
    span('a', { input, tags: ['llm'] }),
    span('b', { input, level: 'ERROR' }),
    span('c', { input, route: 'GET /health' }),
  ]
  const post = (path: string, body: unknown) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  await post('/api/public/otel/v1/traces', {
    resourceSpans: [{ scopeSpans: [{ scope: { name: 'langfuse-sdk' }, spans }] }],
  })
  await post('/api/public/ingestion', {
    batch: [
      {
        id: 'e1',
        type: 'score-create',
        timestamp: new Date().toISOString(),
        body: { id: 's1', traceId: 'a'.repeat(32), name: 'helpful', value: 0.2 },
      },
    ],
  })
}

describe('the dataset command', () => {
  it.each([
    [['--tag', 'llm'], ['a']],
    [['--errors'], ['b']],
    [
      ['--route', 'POST /ask'],
      ['b', 'a'],
    ],
    [['--score', 'helpful<0.5'], ['a']],
    [['--score', 'helpful>=0.5'], []],
    [['--limit', '1'], ['c']],
  ])('takes the traces of the inspector that match %j, redacted', async (args, ids) => {
    const inspector = await startInspector({ port: 0, settleMs: 20 })
    await send(inspector.url, {})
    const out = join(directory, 'items.jsonl')
    const { code, stderr } = await run(['dataset', ...args, '--out', out], {
      LANGFUSE_BASE_URL: inspector.url,
    })
    await inspector.close()

    expect(stderr).toBe(`${ids.length} items written to ${out}\n`)
    expect(code).toBe(0)
    const items = (await readFile(out, 'utf8'))
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line))
    expect(items.map(({ id }) => id[0]).sort()).toEqual([...ids].sort())
    for (const item of items) {
      expect(item.input).toEqual({
        method: 'POST',
        path: '/ask',
        body: { question: 'q', password: '[redacted]' },
      })
      expect(item.expectedOutput).toBeUndefined()
    }
  })

  it('adds traces of Langfuse to a dataset there, with their answers if asked', async () => {
    const langfuse: FakeLangfuse = await startFakeLangfuse([])
    const authorization = `Basic ${Buffer.from('pk-lf-test:sk-lf-test').toString('base64')}`
    await send(langfuse.url, { authorization })
    const { code, stderr } = await run(['dataset', '--errors', '--to', 'failed', '--expected'], langfuse.env)
    await langfuse.close()

    expect(stderr).toBe('1 items written to the dataset failed\n')
    expect(code).toBe(0)
    expect(langfuse.items).toMatchObject([
      {
        id: `failed-${'b'.repeat(32)}`,
        sourceTraceId: 'b'.repeat(32),
        input: { body: { password: '[redacted]' } },
        expectedOutput: { answer: 'x' },
        metadata: { route: 'POST /ask', errors: ['POST /ask: ERROR'] },
      },
    ])
  })

  it('makes a file that a config can run', async () => {
    const file = join(directory, 'items.jsonl')
    await writeFile(file, '{"input":{"method":"POST","path":"/greet","body":{"name":"Ada"}}}\n')
    const { code, stdout } = await run([join(FIXTURES, 'greeting.config.ts')], { DATA: file })

    expect(stdout).toMatch(/^PASS {2}greeting {2}1 items/)
    expect(code).toBe(0)
  })
})
