import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Inspector, type Observation, startInspector } from '@langfuse-middleware/inspector'
import { startFakeLlm } from '../fake-llm/fake-llm.mjs'
import { scenarios } from './scenarios.mjs'

const expectedTraces = scenarios.filter(({ trace }) => trace).length

describe('the demo', () => {
  let demo: Demo
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    demo.child.kill('SIGKILL')
    await Promise.all(closing.splice(0).map(close => close()))
  })

  it('exits with 0 when every trace has arrived whole', async () => {
    demo = runDemo(['--once'])
    expect(await demo.exitCode).toBe(0)
    expect(demo.output()).toContain(`All ${expectedTraces} traces arrived whole`)
    expect(demo.output()).not.toContain('\x1b')
    for (const { title } of scenarios) expect(demo.output()).toContain(title)
    expect(demo.output()).toContain('one trace, from chat-express and rag-fastify')
    expect(demo.output()).toContain('one trace, from rag-fastify and chat-express')
    expect(demo.output()).toContain('20 sampled out, 1 kept, because it failed')
  })

  it('takes other ports than those in use and says so, shows further requests, and ends with Ctrl-C', async () => {
    const occupant = createServer().listen(3001, '127.0.0.1')
    closing.push(() => occupant.close())
    // Someone else may be there already, which serves as well.
    await once(occupant, 'listening').catch(() => {})
    demo = runDemo([])
    await demo.says('Ctrl-C ends everything')
    expect(demo.output()).toMatch(/chat-express +\S+ +port 3001 is in use/)
    expect(demo.output()).toContain(`All ${expectedTraces} traces arrived whole`)

    const { chat } = demo.urls()
    const response = await fetch(`${chat}/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"message":"Hello"}',
    })
    const { traceId } = (await response.json()) as { traceId: string }
    await demo.says(traceId)

    demo.child.kill('SIGINT')
    expect(await demo.exitCode).toBe(0)
    for (const url of Object.values(demo.urls())) expect(await isUp(url)).toBe(false)
  })

  it('ends with Ctrl-C in the middle too', async () => {
    demo = runDemo([])
    await demo.says('Sending')
    demo.child.kill('SIGINT')
    expect(await demo.exitCode).toBe(130)
    for (const url of Object.values(demo.urls())) expect(await isUp(url)).toBe(false)
  })

  it('says what is wrong with an option', async () => {
    demo = runDemo(['--wait', 'long'])
    expect(await demo.exitCode).toBe(1)
    expect(demo.output()).toContain('--wait must be a number of seconds, got long')
  })

  it('leaves no app behind when it is killed', async () => {
    demo = runDemo([])
    await demo.says('rag-sampled')
    const urls = Object.values(demo.urls())
    demo.child.kill('SIGKILL')
    for (const url of urls) while (await isUp(url));
  })

  it('uses a real model and a real Langfuse when their keys are set, and reads the traces back from there', async () => {
    const langfuse = await startFakeLangfuse(() => true)
    const llm = await startFakeLlm()
    closing.push(llm.close)
    demo = runDemo(['--once'], {
      OPENAI_API_KEY: 'sk-1',
      OPENAI_BASE_URL: llm.url,
      OPENAI_MODEL: 'my-model',
      LANGFUSE_BASE_URL: langfuse,
      LANGFUSE_PUBLIC_KEY: 'pk-1',
      LANGFUSE_SECRET_KEY: 'sk-1',
    })
    expect(await demo.exitCode).toBe(0)
    expect(demo.output()).toContain(`${langfuse}   your own, because its keys are set`)
    expect(demo.output()).toContain(`${llm.url}   the real one, because its key is set`)
    expect(demo.output()).toContain(`All ${expectedTraces} traces arrived whole`)
    expect(demo.output()).toContain('my-model')
  })

  it('exits with 1 and says what is missing when Langfuse has lost something', async () => {
    const langfuse = await startFakeLangfuse(({ name }) => name !== 'lookup_order')
    demo = runDemo(['--once', '--wait', '3'], {
      LANGFUSE_BASE_URL: langfuse,
      LANGFUSE_PUBLIC_KEY: 'pk-1',
      LANGFUSE_SECRET_KEY: 'sk-1',
    })
    expect(await demo.exitCode).toBe(1)
    expect(demo.output()).toContain('Not all is as it should be: 1 problem')
    expect(demo.output()).toContain('An agent with tools: missing support-agent agent > lookup_order tool')
  })

  /** Takes traces as Langfuse does, and gives their observations out through its API, those that `keep` says. */
  async function startFakeLangfuse(keep: (observation: Observation) => boolean): Promise<string> {
    const inspector: Inspector = await startInspector({ port: 0 })
    const server = createServer(async (request, response) => {
      const { pathname, searchParams } = new URL(request.url!, inspector.url)
      if (request.headers.authorization !== `Basic ${btoa('pk-1:sk-1')}`) return response.writeHead(401).end()
      if (pathname === '/api/public/v2/observations') {
        const observations = inspector.traces().flatMap(trace => trace.observations)
        const asked = observations.filter(({ sessionId }) => sessionId === searchParams.get('sessionId'))
        return response.end(JSON.stringify({ data: asked.filter(keep).map(toApi), meta: {} }))
      }
      const forwarded = await fetch(inspector.url + request.url, {
        method: request.method!,
        headers: { 'content-type': request.headers['content-type']! },
        body: Buffer.concat(await request.toArray()),
      })
      response.writeHead(forwarded.status).end(Buffer.from(await forwarded.arrayBuffer()))
    }).listen(0, '127.0.0.1')
    closing.push(
      inspector.close,
      () => server.close(),
      () => server.closeAllConnections(),
    )
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
})

function toApi({
  id,
  traceId,
  parentId,
  type,
  startTimeMs,
  endTimeMs,
  usage,
  children: _,
  ...rest
}: Observation) {
  return {
    ...rest,
    id,
    traceId,
    parentObservationId: parentId ?? null,
    type: type.toUpperCase(),
    startTime: new Date(startTimeMs).toISOString(),
    endTime: new Date(endTimeMs).toISOString(),
    usageDetails: usage,
  }
}

interface Demo {
  child: ChildProcess
  exitCode: Promise<number | null>
  output(): string
  /** Resolves once the output contains `text`; rejects if the demo ends before. */
  says(text: string): Promise<void>
  urls(): { chat: string; rag: string; sampled: string }
}

function runDemo(args: string[], more: Record<string, string> = {}): Demo {
  const child = spawn(process.execPath, [`${__dirname}/demo.mjs`, ...args], {
    env: { PATH: process.env.PATH, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const exitCode = once(child, 'close').then(([code]) => code as number | null)
  const urlOf = (name: string) => new RegExp(`${name} +(http://127\\.0\\.0\\.1:\\d+)`).exec(output)![1]!
  return {
    child,
    exitCode,
    output: () => output,
    async says(text) {
      const ended = exitCode.then(code => {
        throw new Error(`the demo ended (${code}) without saying ${text}:\n${output}`)
      })
      while (!output.includes(text)) await Promise.race([once(child.stdout, 'data'), ended])
    },
    urls: () => ({
      chat: urlOf('chat-express'),
      rag: urlOf('rag-fastify'),
      sampled: urlOf('rag-sampled'),
    }),
  }
}

function isUp(url: string): Promise<boolean> {
  return fetch(`${url}/health`).then(
    () => true,
    () => false,
  )
}
