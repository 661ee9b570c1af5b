import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Inspector, startInspector } from '../src/index.ts'
import { sendSpans } from './span-fixture.ts'

// The command as published: `npm test` builds it first.
const command = join(__dirname, '..', 'dist', 'cli.mjs')

interface Run {
  child: ChildProcess
  output: { stdout: string; stderr: string }
  /** Resolves with the first line of either stream that matches, past or future. */
  line(pattern: RegExp): Promise<RegExpExecArray>
  exit(): Promise<[code: number | null, signal: string | null]>
}

const runs: Run[] = []
const folder = mkdtempSync(join(tmpdir(), 'inspector-'))

afterAll(() => rmSync(folder, { recursive: true }))

const run = (args: string[], env: NodeJS.ProcessEnv = {}, store = ['--memory']): Run => {
  const child = spawn(process.execPath, [command, ...store, ...args], {
    cwd: folder,
    env: { ...process.env, NODE_ENV: 'test', NO_COLOR: undefined, FORCE_COLOR: undefined, ...env },
  })
  const output = { stdout: '', stderr: '' }
  const lines: string[] = []
  const waiting = new Set<(line: string) => void>()
  const exited = once(child, 'close') as Promise<[number | null, string | null]>
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text
    })
    createInterface({ input: child[stream] }).on('line', line => {
      lines.push(line)
      for (const offer of waiting) offer(line)
    })
  }
  const started: Run = {
    child,
    output,
    exit: () => exited,
    line: pattern =>
      new Promise((resolve, reject) => {
        const offer = (line: string): void => {
          const match = pattern.exec(line)
          if (match) resolve(match)
        }
        waiting.add(offer)
        lines.forEach(offer)
        exited.then(() => reject(new Error(`ended without ${pattern}: ${JSON.stringify(output)}`)))
      }),
  }
  runs.push(started)
  return started
}

const address = async (started: Run): Promise<string> => (await started.line(/LANGFUSE_BASE_URL=(\S+)/))[1]!

afterEach(() => {
  for (const { child } of runs.splice(0)) if (child.exitCode === null) child.kill('SIGKILL')
})

describe('the command', () => {
  it('says where to point an app, prints traces as they settle, and sums up at Ctrl-C', async () => {
    const started = run(['--port', '0'])
    const url = await address(started)
    await sendSpans(url, { id: '1', name: 'POST /chat' }, { id: '2', parent: '1', name: 'openai.chat' })
    await started.line(/└─ openai\.chat +span +10 ms/)
    started.child.kill('SIGINT')
    expect(await started.exit()).toEqual([0, null])
    expect(started.output.stdout).toMatch(/● POST \/chat.*\n1 trace, 2 spans\n$/s)
    expect(started.output.stdout).not.toContain('\u001b')
    expect(started.output.stderr).toBe('')
  })

  it('prints what had not settled when it is told to end', async () => {
    const started = run(['--port', '0'])
    await sendSpans(await address(started), { id: '2', parent: '1', name: 'lost' })
    started.child.kill('SIGTERM')
    expect(await started.exit()).toEqual([0, null])
    expect(started.output.stdout).toMatch(/root missing.*└─ lost/s)
  })

  it('prints one line of JSON for each trace, and nothing else on stdout, with --json', async () => {
    const started = run(['--port', '0', '--json'])
    const url = await address(started)
    await sendSpans(url, { trace: 'a', name: 'line\nbreak' })
    await sendSpans(url, { trace: 'b', name: 'second\u009b' })
    await started.line(/second/)
    started.child.kill('SIGINT')
    await started.exit()
    const records = started.output.stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(records.map(({ name }) => name)).toEqual(['line\nbreak', 'second\u009b'])
    expect(started.output.stdout).not.toContain('\u009b')
    expect(started.output.stderr).toContain('2 traces')
  })

  it('prints only the summary with --quiet', async () => {
    const started = run(['--port', '0', '--quiet'])
    await sendSpans(await address(started), {
      name: 'POST /chat',
      attributes: { 'langfuse.observation.level': 'ERROR' },
    })
    started.child.kill('SIGINT')
    await started.exit()
    expect(started.output.stdout).not.toContain('POST /chat')
    expect(started.output.stdout).toContain('1 trace, 1 with errors, 1 span')
  })

  it('colours its output only where it is asked to', async () => {
    const coloured = run(['--port', '0'], { FORCE_COLOR: '1' })
    expect((await coloured.line(/LANGFUSE_BASE_URL/)).input).toContain('\u001b[1mLANGFUSE_BASE_URL')
    const plain = run(['--port', '0'], { FORCE_COLOR: undefined, NO_COLOR: '1' })
    await plain.line(/here: LANGFUSE_BASE_URL/)
  })

  it('ends when nobody reads its output any more', async () => {
    const started = run(['--port', '0'])
    const url = await address(started)
    started.child.stdout?.destroy()
    await sendSpans(url, { name: 'POST /chat' })
    expect((await started.exit())[1]).toBeNull()
  })
})

describe('the file of traces', () => {
  it('is .langfuse/traces.jsonl in the folder that the command runs in, unless --memory is given', async () => {
    const count = async (...args: string[]): Promise<number> => {
      const started = run(['--port', '0', '--quiet', ...args], {}, [])
      const url = await address(started)
      const { traces } = (await (await fetch(`${url}/api/traces`)).json()) as { traces: unknown[] }
      await sendSpans(url, { trace: `${traces.length + 1}` })
      started.child.kill('SIGINT')
      await started.exit()
      expect(started.output.stdout).toContain('\n1 trace, 1 span\n')
      return traces.length
    }
    expect(await count('--memory')).toBe(0)
    expect(await count()).toBe(0)
    expect(await count('--file', join('.langfuse', 'traces.jsonl'))).toBe(1)
    expect(await count('--memory')).toBe(0)
  })
})

describe('a port in use', () => {
  let occupant: Inspector

  beforeEach(async () => {
    occupant = await startInspector({ port: 0 })
  })

  afterEach(() => occupant.close())

  it('makes the command take the next one and say so', async () => {
    const started = run(['--port', String(occupant.port)])
    const url = await address(started)
    expect(Number(new URL(url).port)).toBeGreaterThan(occupant.port)
    await started.line(new RegExp(`Port ${occupant.port} is in use`))
  })
})

describe('the command line', () => {
  it.each([
    [['--help'], /Usage: npx @langfuse-middleware\/inspector/],
    [['-h'], /--port/],
    [['--version'], /^\d+\.\d+\.\d+\n$/],
  ])('%j answers and ends', async (args, pattern) => {
    const started = run(args)
    expect(await started.exit()).toEqual([0, null])
    expect(started.output.stdout).toMatch(pattern)
  })

  it.each([
    [['--port', 'soon'], '--port must be a number, got "soon"'],
    [['--port', '70000'], 'port must be an integer between 0 and 65535, got 70000'],
    [['--colour'], "Unknown option '--colour'"],
    [['--host', '0.0.0.0'], 'lets others on the network read the traces'],
  ])('%j fails with a reason and no stack', async (args, reason) => {
    const started = run(args)
    expect((await started.exit())[0]).toBe(1)
    expect(started.output.stderr).toContain(reason)
    expect(started.output.stderr).not.toContain('    at ')
  })

  it('fails in production unless forced', async () => {
    const refused = run(['--port', '0'], { NODE_ENV: 'production' })
    expect((await refused.exit())[0]).toBe(1)
    expect(await address(run(['--port', '0', '--force'], { NODE_ENV: 'production' }))).toMatch(/^http/)
  })
})
