import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { recordTraces } from '@langfuse-middleware/testing'
import { evaluateRoute, judge } from '../src/index.ts'
import { answeringApp, ask } from './answering-app.ts'

/** A chat completions server that refuses what OpenAI's refuses, and answers with the next of `replies`. */
let server: Server
let baseUrl: string
let requests: { model: string; temperature: number; messages: { role: string; content: string }[] }[]
let replies: (string | number)[]
let cache: string

beforeEach(async () => {
  requests = []
  replies = []
  cache = await mkdtemp(join(tmpdir(), 'judge-'))
  server = createServer(async (request, response) => {
    const fail = (status: number) => response.writeHead(status).end('{"error":{"message":"refused"}}')
    if (request.url !== '/v1/chat/completions' || request.method !== 'POST') return fail(404)
    if (request.headers.authorization !== 'Bearer sk-judge') return fail(401)
    requests.push(JSON.parse(await text(request)))
    const reply = replies.shift() ?? '{"reason":"fine","score":0.8}'
    if (typeof reply === 'number') return fail(reply)
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({ model: 'm', choices: [{ message: { role: 'assistant', content: reply } }] }),
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
})

afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await rm(cache, { recursive: true })
})

function run(options: { input?: string; rubric?: string; apiKey?: string } = {}) {
  return evaluateRoute({
    langfuse: false,
    app: () => answeringApp(),
    data: [{ input: options.input ?? 'Ada', expectedOutput: 'soon' }],
    request: ask,
    evaluators: [
      judge({
        name: 'helpful',
        rubric: options.rubric ?? 'Says when the refund arrives.',
        model: 'judge-1',
        baseUrl,
        apiKey: options.apiKey ?? 'sk-judge',
        cache,
      }),
    ],
  })
}

describe('judge', () => {
  it('grades an answer by its rubric, question, expected output and documents, at temperature 0', async () => {
    const { items } = await run()

    expect(items[0]!.scores).toEqual([{ name: 'helpful', value: 0.8, comment: 'fine' }])
    expect(requests[0]).toMatchObject({ model: 'judge-1', temperature: 0 })
    expect(requests[0]!.messages[0]!.content).toContain('Says when the refund arrives.')
    expect(JSON.parse(requests[0]!.messages[1]!.content)).toEqual({
      question: 'Ada',
      answer: { answer: 'Refunds arrive within five working days, Ada' },
      expected: 'soon',
      documents: [[{ text: 'Refunds arrive within five working days.' }]],
    })
  })

  it('asks once for the same answer and rubric, and again for another', async () => {
    await run()
    await run()
    expect(requests).toHaveLength(1)

    await run({ rubric: 'Is polite.' })
    await run({ input: 'Grace' })
    expect(requests).toHaveLength(3)
    expect(await readdir(cache)).toHaveLength(3)
  })

  it('repeats a call that was answered 429, and reads a verdict within other text', async () => {
    replies = [429, 'Here it is:\n```json\n{"score": "1", "reason": "right"}\n```']

    expect((await run()).items[0]!.scores[0]).toMatchObject({ value: 1, comment: 'right' })
  })

  it.each([
    ['no verdict', ['certainly!'], 'helpful: the judge gave no verdict: certainly!'],
    ['a score outside of the scale', ['{"score": 7}'], 'helpful: the judge gave no verdict: {"score": 7}'],
    ['a refused key', [401], "helpful: the judge's model answered 401"],
  ])('reports %s as an error of the item, and caches nothing', async (_name, given, message) => {
    replies = given
    const { items } = await run()

    expect(items[0]!.errors[0]).toContain(message)
    expect(await readdir(cache)).toEqual([])
  })

  it('traces its calls, marked and apart from the traces of requests', async () => {
    const recorder = recordTraces()
    try {
      await evaluateRoute({
        langfuse: false,
        recorder,
        app: answeringApp(),
        data: [{ input: 'Ada' }],
        request: ask,
        evaluators: [judge({ name: 'helpful', rubric: 'r', baseUrl, apiKey: 'sk-judge', cache: false })],
      })
      const trace = await recorder.waitFor(({ root }) => root?.name === 'judge helpful')
      expect(trace.root!.tags).toEqual(['llm-judge'])
      expect(trace.observations.some(({ output }) => (output as { score?: number })?.score === 0.8)).toBe(
        true,
      )
      expect(JSON.stringify(trace.observations.map(({ attributes }) => attributes))).not.toContain('sk-judge')
    } finally {
      await recorder.close()
    }
  })

  it('throws at once without a rubric', () => {
    expect(() => judge({} as never)).toThrow('judge().rubric must be a text, got undefined')
  })
})
