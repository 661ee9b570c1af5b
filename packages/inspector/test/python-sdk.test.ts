import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { type Inspector, startInspector } from '../src/index.ts'

/** A request of the SDK, as it came over the wire. */
interface Recorded {
  method: string
  path: string
  headers: Record<string, string>
  body: string
}

/** A Python that has the package langfuse: then it is run, and what it sends is recorded anew. */
const python = process.env.LANGFUSE_PYTHON
const versionProgram = "from importlib.metadata import version; print(version('langfuse'))"
const recording = require.resolve('./fixtures/langfuse-python.json')

let inspector: Inspector

beforeEach(async () => {
  inspector = await startInspector({ port: 0, settleMs: 20 })
})

afterEach(() => inspector.close())

it('shows what an app with the Langfuse SDK for Python sends', async () => {
  if (python) await record(python)
  else for (const request of JSON.parse(readFileSync(recording, 'utf8')).requests) await forward(request)

  const trace = await inspector.waitForTrace('POST /ask')
  expect(trace).toMatchObject({
    name: 'POST /ask',
    level: 'WARNING',
    statusCode: 200,
    userId: 'ada',
    sessionId: 's-42',
    tags: ['python', 'beta'],
    environment: 'staging',
    release: 'abc123',
    input: { question: 'why?' },
    output: 'because',
    metadata: { team: 'a', statusCode: '200', nested: { a: 1 } },
    totals: { tokens: { input: 812, output: 95, total: 907 }, models: ['gpt-4o-mini'] },
  })
  expect(trace.root?.children).toMatchObject([
    { name: 'retrieve', type: 'retriever', input: 'why?', output: ['doc 1'] },
    {
      name: 'answer',
      type: 'generation',
      statusMessage: 'slow',
      input: [{ role: 'user', content: 'why?' }],
      output: { role: 'assistant', content: 'because' },
      modelParameters: { temperature: 0 },
      completionStartTimeMs: Date.parse('2026-01-02T03:04:05.678Z'),
    },
  ])
  expect(trace.scores).toMatchObject([
    { name: 'tone', value: 'warm', observationId: trace.root?.children[1]?.id },
    { name: 'helpful', value: 1, comment: 'yes' },
  ])
  expect(await inspector.waitForTrace('broken')).toMatchObject({
    level: 'ERROR',
    root: { statusMessage: 'boom', input: { args: [3], kwargs: {} } },
  })
  expect(inspector.stats().rejectedSpans).toBe(0)
})

/** Sends a recorded request to the inspector, which has to be content with it. */
async function forward({ method, path, headers, body }: Recorded): Promise<Response> {
  const response = await fetch(inspector.url + path, {
    method,
    headers,
    ...(body !== '' && { body: Buffer.from(body, 'base64') }),
  })
  expect([path, response.ok]).toEqual([path, true])
  return response
}

async function record(python: string): Promise<void> {
  const requests: Recorded[] = []
  const server = createServer(async (request, response) => {
    const kept = ['content-type', 'content-encoding'].flatMap(name => {
      const value = request.headers[name]
      return typeof value === 'string' ? [[name, value]] : []
    })
    const recorded: Recorded = {
      method: request.method!,
      path: request.url!,
      headers: Object.fromEntries(kept),
      body: Buffer.concat(await request.toArray()).toString('base64'),
    }
    requests.push(recorded)
    const answer = await forward(recorded)
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type')! })
    response.end(Buffer.from(await answer.arrayBuffer()))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const run = promisify(execFile)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { stderr } = await run(python, [require.resolve('./fixtures/send-with-langfuse.py'), url])
  expect(stderr).toBe('')
  const { stdout } = await run(python, ['-c', versionProgram])
  server.close()
  writeFileSync(recording, `${JSON.stringify({ sdk: `langfuse ${stdout.trim()}`, requests }, null, 2)}\n`)
}
