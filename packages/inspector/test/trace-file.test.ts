import { spawn } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Inspector, type InspectorOptions, startInspector } from '../src/index.ts'
import { postJson, sendSpans, traceId } from './span-fixture.ts'

let folder: string
let file: string
let warnings: string[]
const started: Inspector[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inspector-'))
  file = join(folder, '.langfuse', 'traces.jsonl')
  warnings = []
})

afterEach(async () => {
  await Promise.all(started.splice(0).map(inspector => inspector.close()))
  rmSync(folder, { recursive: true, force: true })
})

const start = async (options: InspectorOptions = {}): Promise<Inspector> => {
  const warn = (message: string): number => warnings.push(message)
  const inspector = await startInspector({ port: 0, settleMs: 10, file, warn, ...options })
  started.push(inspector)
  return inspector
}

const restart = async (inspector: Inspector, options?: InspectorOptions): Promise<Inspector> => {
  await inspector.close()
  return await start(options)
}

describe('a file of traces', () => {
  it('gives spans and scores back after a restart, settled and told to nobody', async () => {
    const first = await start()
    const attributes = { 'langfuse.observation.input': 'hällo\n{"}', 'user.id': 'ada' }
    await sendSpans(first.url, { name: 'POST /chat', attributes }, { id: '2', parent: '1' })
    await sendSpans(first.url, { trace: 'b' })
    await postJson(`${first.url}/api/public/scores`, {
      traceId: traceId('a'),
      name: 'helpful',
      value: 1,
      id: 's',
    })
    await first.waitForTrace('POST /chat')
    const before = first.traces()
    const told: string[] = []
    const second = await restart(first, { onTrace: ({ id }) => told.push(id) })
    expect(second.traces().map(trace => ({ ...trace, revision: 1 }))).toEqual(
      before.map(trace => ({ ...trace, revision: 1, settled: true })),
    )
    await second.close()
    expect([told, warnings]).toEqual([[], []])
  })

  it('is read by other tools as OTLP, and by nobody else on the machine', async () => {
    const inspector = await start()
    await sendSpans(inspector.url, { name: 'POST /chat' })
    await inspector.close()
    const [line] = readFileSync(file, 'utf8').split('\n')
    expect(JSON.parse(line!).resourceSpans[0].scopeSpans[0].spans[0]).toMatchObject({ name: 'POST /chat' })
    expect(statSync(file).mode & 0o077).toBe(0)
    expect(readFileSync(join(folder, '.langfuse', '.gitignore'), 'utf8')).toBe('*\n')
  })

  it('gives back what came in several requests, and takes more of it', async () => {
    const first = await start()
    const score = { traceId: traceId('a'), name: 'helpful', value: 1, id: 's' }
    await sendSpans(first.url, { id: '2', parent: '1', name: 'early' }, { trace: 'b' })
    await sendSpans(first.url, { id: '1', name: 'POST /chat' })
    await postJson(`${first.url}/api/public/scores`, { ...score, traceId: traceId('b') })
    const second = await restart(first)
    const list = async (url: string) =>
      ((await (await fetch(`${url}/api/traces`)).json()) as { traces: object[] }).traces
    expect(await list(second.url)).toMatchObject([
      { id: traceId('b'), observationCount: 1, scores: [{ name: 'helpful' }], settled: true },
      { id: traceId('a'), observationCount: 2, name: 'POST /chat' },
    ])
    await sendSpans(
      second.url,
      { id: '3', parent: '1', name: 'late' },
      { id: '2', parent: '1', name: 'early' },
    )
    await sendSpans(second.url, { trace: 'b', id: '2', parent: '1' })
    expect(second.stats()).toMatchObject({ spans: 5, receivedSpans: 2, duplicateSpans: 1 })
    const third = await restart(second)
    expect(
      third
        .trace(traceId('a'))
        ?.observations.map(({ name }) => name)
        .toSorted(),
    ).toEqual(['POST /chat', 'early', 'late'])
    expect(third.trace(traceId('b'))).toMatchObject({ observations: [{}, {}], scores: [{ name: 'helpful' }] })
  })

  it('is read whole where another version wrote it', async () => {
    const first = await start()
    await sendSpans(first.url, { name: 'POST /chat' })
    await first.close()
    const written = readFileSync(file, 'utf8')
    expect(written).toContain('"name":"POST /chat","level"')
    writeFileSync(
      file,
      written
        .replace('"name":"POST /chat","level"', '"title":"POST /chat","level"')
        .replace(/"version":"[^"]*"/, '"version":"0.0.0-old"'),
    )
    const second = await start()
    expect(second.traces()).toMatchObject([{ name: 'POST /chat' }])
    const { traces } = (await (await fetch(`${second.url}/api/traces`)).json()) as { traces: object[] }
    expect(traces).toMatchObject([{ name: 'POST /chat' }])
    expect(warnings).toEqual([])
  })

  it.each([0.5, 0.9, 0.99])('takes a line of which %d was written for none', async part => {
    const first = await start()
    await sendSpans(first.url, { attributes: { 'langfuse.observation.input': '{"a":[{"b":[{"c":1}]}]}' } })
    await first.close()
    const line = readFileSync(file)
    writeFileSync(file, line.subarray(0, Math.floor(line.length * part)))
    const second = await start()
    expect(second.traces()).toEqual([])
    expect(second.stats().spans).toBe(0)
    expect(warnings).toEqual([expect.stringContaining('skipped 1 lines of')])
  })

  it('never outgrows its bound, and keeps what came last', async () => {
    const maxFileBytes = 20_000
    const inspector = await start({ maxFileBytes })
    for (let number = 1; number <= 200; number += 1) {
      await sendSpans(inspector.url, { trace: number.toString(16), name: `request ${number}` })
    }
    const second = await restart(inspector, { maxFileBytes })
    const bytes = readdirSync(join(folder, '.langfuse'))
      .map(name => statSync(join(folder, '.langfuse', name)).size)
      .reduce((sum, size) => sum + size, 0)
    expect(bytes).toBeLessThan(maxFileBytes + 100)
    const names = second.traces().map(({ name }) => name)
    expect(names.at(-1)).toBe('request 200')
    expect(names.length).toBeGreaterThan(5)
    expect(names.length).toBeLessThan(200)
  })

  it('leaves out what cannot be read, such as the half line of a crash, and goes on after it', async () => {
    const inspector = await start()
    await sendSpans(inspector.url, { trace: 'a' })
    await inspector.close()
    appendFileSync(file, 'no JSON\n{"resourceSpans":[{"scopeSp')
    const second = await start()
    expect(second.traces()).toHaveLength(1)
    expect(warnings).toEqual([expect.stringContaining('skipped 2 lines of')])
    await sendSpans(second.url, { trace: 'b' })
    const third = await restart(second)
    expect(third.traces()).toHaveLength(2)
  })

  it('is emptied with the store', async () => {
    const inspector = await start()
    await sendSpans(inspector.url, { trace: 'a' })
    await fetch(`${inspector.url}/api/traces`, { method: 'DELETE' })
    await sendSpans(inspector.url, { trace: 'b' })
    const second = await restart(inspector)
    expect(second.traces().map(({ id }) => id)).toEqual([traceId('b')])
  })

  it('goes on after an export without spans', async () => {
    const inspector = await start()
    await sendSpans(inspector.url)
    await postJson(`${inspector.url}/v1/traces`, {})
    await sendSpans(inspector.url, { trace: 'b' })
    const second = await restart(inspector)
    expect(second.traces().map(({ id }) => id)).toEqual([traceId('b')])
  })

  it('goes on after it was emptied twice, and after its folder was deleted', async () => {
    const inspector = await start()
    await inspector.clear()
    await inspector.clear()
    await sendSpans(inspector.url, { trace: 'a' })
    await inspector.clear()
    expect(readdirSync(join(folder, '.langfuse'))).toEqual(['.gitignore', 'traces.jsonl.lock'])
    rmSync(join(folder, '.langfuse'), { recursive: true })
    await sendSpans(inspector.url, { trace: 'b' })
    await inspector.close()
    expect(readFileSync(file, 'utf8')).toContain(traceId('b'))
  })

  it('has nothing of a forgotten prompt on disk when the request to forget is answered', async () => {
    const inspector = await start({ maxFileBytes: 4_000 })
    await sendSpans(inspector.url)
    for (const trace of ['a', 'b', 'c', 'd', 'e'])
      await sendSpans(inspector.url, {
        trace,
        attributes: { 'langfuse.observation.input': 'a secret prompt' },
      })
    const answer = await fetch(`${inspector.url}/api/traces`, { method: 'DELETE' })
    expect(answer.status).toBe(200)
    const texts = readdirSync(join(folder, '.langfuse')).map(name =>
      readFileSync(join(folder, '.langfuse', name), 'utf8'),
    )
    expect(texts.join('\n')).not.toContain('secret')
  })

  it('is kept out of Git in a folder that was there before', async () => {
    mkdirSync(join(folder, '.langfuse'))
    await start()
    expect(readFileSync(join(folder, '.langfuse', '.gitignore'), 'utf8')).toBe('*\n')
  })

  it('leaves a .gitignore of the user as it is', async () => {
    mkdirSync(join(folder, '.langfuse'))
    writeFileSync(join(folder, '.langfuse', '.gitignore'), 'traces*\n')
    await start()
    expect(readFileSync(join(folder, '.langfuse', '.gitignore'), 'utf8')).toBe('traces*\n')
  })

  it('belongs to one process: another one keeps its traces in memory and says so', async () => {
    const first = await start()
    await first.close()
    const owner = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    try {
      writeFileSync(`${file}.lock`, String(owner.pid))
      const second = await start()
      expect(warnings).toEqual([expect.stringMatching(/in memory only: process \d+ is using/)])
      await sendSpans(second.url, {})
      expect(second.traces()).toHaveLength(1)
      await second.close()
      expect(existsSync(`${file}.lock`)).toBe(true)
    } finally {
      owner.kill('SIGKILL')
    }
  })

  it('is taken over from a process that died', async () => {
    const first = await start()
    await sendSpans(first.url, {})
    await first.close()
    writeFileSync(`${file}.lock`, '999999999')
    const second = await start()
    expect(second.traces()).toHaveLength(1)
    expect(warnings).toEqual([])
  })

  it('that cannot be written costs the file and nothing else', async () => {
    writeFileSync(join(folder, '.langfuse'), 'a file where the folder should be')
    const inspector = await start()
    expect(warnings).toEqual([expect.stringContaining('traces are kept in memory only')])
    await sendSpans(inspector.url, {})
    expect(inspector.traces()).toHaveLength(1)
  })
})
