import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RegressionError } from '@langfuse/client'
import langfusePlugin from '@langfuse-middleware/fastify'
import { langfuseMiddleware as honoMiddleware } from '@langfuse-middleware/hono'
import { langfuseMiddleware as koaMiddleware } from '@langfuse-middleware/koa'
import { recordTraces } from '@langfuse-middleware/testing'
import { Levenshtein } from 'autoevals'
import { type FastifyRequest, fastify } from 'fastify'
import { fastify as fastify4 } from 'fastify4'
import { Hono } from 'hono'
import Koa from 'koa'
import {
  calledTools,
  contains,
  type EvaluationContext,
  type Evaluator,
  evaluateRoute,
  exactMatch,
  grounded,
  maxCost,
  maxTokens,
  noErrors,
} from '../src/index.ts'
import { answeringApp, ask } from './answering-app.ts'

const local = { langfuse: false } as const

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'evaluate-'))
})

afterAll(() => rm(directory, { recursive: true }))

describe('evaluateRoute', () => {
  it('gives evaluators the answer and the trace that the request made', async () => {
    const seen: EvaluationContext[] = []
    const result = await evaluateRoute({
      ...local,
      app: () => answeringApp(),
      data: [{ id: 'one', input: 'Ada', expectedOutput: 'Refunds arrive within five working days, Ada' }],
      request: ask,
      evaluators: [
        exactMatch(),
        calledTools(['search']),
        noErrors(),
        maxTokens(1_500),
        maxCost(0.01),
        grounded(),
        function polite(context) {
          seen.push(context)
          return true
        },
      ],
    })

    expect(result.items[0]).toMatchObject({ status: 200, errors: [], tokens: 1_500 })
    expect(result.items[0]!.scores.map(({ name, value }) => [name, value])).toEqual([
      ['exact_match', true],
      ['called_tools', true],
      ['no_errors', true],
      ['max_tokens', true],
      ['max_cost', true],
      ['grounded', 1],
      ['polite', true],
    ])
    expect(seen[0]!.trace).toMatchObject({ name: 'POST /ask', toolsCalled: ['search'] })
    expect(seen[0]!.trace.generations[0]).toMatchObject({ model: 'gpt-4.1-mini' })
    expect(seen[0]!.trace.cost).toBeCloseTo(0.0012, 6)
    expect(seen[0]!.trace.id).toBe(seen[0]!.response.headers['x-langfuse-trace-id'])
  })

  it('reports each item with its own trace when requests overlap', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `person ${index}`)
    const result = await evaluateRoute({
      ...local,
      app: () => answeringApp(),
      data: names.map(input => ({ input })),
      request: ask,
      concurrency: 8,
      evaluators: [
        function own_trace({ trace, input }) {
          return trace.generations[0]?.input === input
        },
      ],
      thresholds: { own_trace: 1 },
    })

    expect(result.failures).toEqual([])
    expect(result.items.map(({ item }) => item.input)).toEqual(names)
    expect(new Set(result.items.map(({ traceId }) => traceId)).size).toBe(40)
  })

  it.each([
    ['Fastify 5', () => fastify()],
    ['Fastify 4', () => fastify4() as unknown as ReturnType<typeof fastify>],
  ])('evaluates an app of %s in this process', async (_name, create) => {
    const result = await evaluateRoute({
      ...local,
      app: async () => {
        const app = create()
        await app.register(langfusePlugin)
        app.get(
          '/greet/:name',
          async (request: FastifyRequest) => `hello ${(request.params as { name: string }).name}`,
        )
        return app
      },
      data: [{ input: { path: '/greet/ada' } }],
      evaluators: [
        contains('hello ada'),
        function route({ trace }) {
          return trace.name
        },
      ],
    })

    expect(result.items[0]!.errors).toEqual([])
    expect(result.scores).toMatchObject({
      contains: { mean: 1 },
      route: { categories: { 'GET /greet/:name': 1 } },
    })
  })

  it.each([
    [
      'Koa',
      () => {
        const app = new Koa()
        app.use(koaMiddleware())
        app.use(context => {
          context.body = 'hello ada'
        })
        return app
      },
    ],
    [
      'Hono',
      () => {
        const app = new Hono()
        app.use(honoMiddleware())
        app.get('/greet', context => context.text('hello ada'))
        return app
      },
    ],
  ])('evaluates an app of %s in this process', async (_name, create) => {
    const result = await evaluateRoute({
      ...local,
      app: () => create(),
      data: [{ input: { path: '/greet' } }],
      evaluators: [contains('hello ada'), noErrors()],
    })

    expect(result.items[0]).toMatchObject({ status: 200, errors: [], traceId: expect.any(String) })
    expect(result.scores).toMatchObject({ contains: { mean: 1 }, no_errors: { mean: 1 } })
  })

  it('assembles the text of a stream', async () => {
    const result = await evaluateRoute({
      ...local,
      app: () => answeringApp(),
      data: [{ input: { method: 'POST', path: '/stream' } }],
      evaluators: [contains('Refunds arrive soon.')],
    })

    expect(result.items[0]).toMatchObject({ output: 'Refunds arrive soon.', errors: [] })
    expect(result.scores.contains).toMatchObject({ mean: 1 })
  })

  it('takes evaluators of autoevals as they are', async () => {
    const result = await evaluateRoute({
      ...local,
      app: () => answeringApp(),
      data: [{ input: { method: 'POST', path: '/stream' }, expectedOutput: 'Refunds arrive soon!' }],
      evaluators: [Levenshtein as unknown as Evaluator],
    })

    expect(result.scores.Levenshtein!.mean).toBeCloseTo(0.95)
  })

  it('goes on after an item that fails, and fails the run', async () => {
    const result = await evaluateRoute({
      ...local,
      app: () => answeringApp(),
      data: [{ input: 'Ada' }, { input: 'hang' }, { input: 'fail' }, { input: 'broken' }],
      request: ask,
      timeoutMs: 1_500,
      retries: 0,
      evaluators: [
        noErrors(),
        function throwing({ input }) {
          if (input === 'Ada') throw new Error('evaluator broke')
          return true
        },
      ],
    })

    expect(result.items.map(({ errors }) => errors)).toEqual([
      ['throwing: evaluator broke'],
      ['the request took longer than 1500 ms'],
      [],
      [],
    ])
    expect(result.items[3]!.scores[0]).toMatchObject({
      name: 'no_errors',
      value: false,
      comment: 'answer: the model timed out',
    })
    expect(result.items[2]!.scores[0]).toMatchObject({ value: false })
    expect(result.passed).toBe(false)
    expect(result.failures).toEqual(['2 of 4 items failed, at most 0 may'])
  })

  it('repeats a request that is answered 503', async () => {
    let calls = 0
    const server = createServer((_request, response) => {
      calls += 1
      response.statusCode = calls === 1 ? 503 : 200
      response.end('up again')
    })
    const result = await evaluateRoute({
      ...local,
      app: (request, response) => void server.emit('request', request, response),
      data: [{ input: { path: '/' } }],
      evaluators: [contains('up again')],
    })

    expect(calls).toBe(2)
    expect(result.scores.contains).toMatchObject({ mean: 1 })
    expect(result.items[0]!.errors).toEqual([
      'no trace: the response has no x-langfuse-trace-id header; is the route traced?',
    ])
  })

  it('throws the RegressionError of Langfuse from assert() if a threshold is missed', async () => {
    const result = await evaluateRoute({
      ...local,
      app: () => answeringApp(),
      data: [{ input: 'Ada' }, { input: 'broken' }],
      request: ask,
      evaluators: [noErrors(), maxTokens(10)],
      thresholds: { no_errors: { passRate: 0.5 }, max_tokens: 1, unknown: 0.5 },
    })

    expect(result.checks.map(({ score, passed }) => [score, passed])).toEqual([
      ['no_errors', true],
      ['max_tokens', false],
      ['unknown', false],
    ])
    expect(() => result.assert()).toThrow(RegressionError)
    expect(() => result.assert()).toThrow('max_tokens: mean is 0, must be at least 1')
    expect(result.experiment.itemResults).toHaveLength(2)
  })

  it('goes on where an interrupted run stopped', async () => {
    const resume = join(directory, 'resume.jsonl')
    const controller = new AbortController()
    const run = (signal: AbortSignal) =>
      evaluateRoute({
        ...local,
        app: () => answeringApp(),
        data: ['a', 'b', 'c', 'd'].map(input => ({ input })),
        request: ask,
        concurrency: 1,
        resume,
        signal,
        onProgress: ({ done }) => done === 2 && controller.abort(),
        evaluators: [noErrors()],
      })
    const first = await run(controller.signal)
    await writeFile(resume, `${await readFile(resume, 'utf8')}{"key":"cut off`)
    const second = await run(new AbortController().signal)

    expect(first.items.map(({ errors }) => errors.length)).toEqual([0, 0, 1, 1])
    expect(first.items[2]!.errors).toEqual(['the run was interrupted'])
    expect(second.items.map(({ resumed }) => resumed)).toEqual([true, true, false, false])
    expect(second.passed).toBe(true)
  })

  it('draws the same sample for the same seed, in the order of the dataset', async () => {
    const run = async (seed: number) => {
      const result = await evaluateRoute({
        ...local,
        app: () => answeringApp(),
        data: Array.from({ length: 30 }, (_, index) => ({ input: index })),
        request: ask,
        sample: 5,
        seed,
        evaluators: [noErrors()],
      })
      return result.items.map(({ item }) => item.input as number)
    }
    const drawn = await run(7)

    expect(await run(7)).toEqual(drawn)
    expect(await run(8)).not.toEqual(drawn)
    expect(drawn).toEqual([...drawn].sort((left, right) => left - right))
  })

  it('compares with a stored baseline', async () => {
    const baseline = join(directory, 'baseline.json')
    const run = (value: number, updateBaseline: boolean) =>
      evaluateRoute({
        ...local,
        app: () => answeringApp(),
        data: [{ input: 'Ada' }],
        request: ask,
        baseline,
        updateBaseline,
        evaluators: [
          function quality() {
            return value
          },
        ],
        thresholds: { quality: { mean: { maxDrop: 0.1 } } },
      })

    await expect(run(0.9, false)).rejects.toThrow(/cannot read the baseline .*--update-baseline/)
    expect((await run(0.9, true)).passed).toBe(true)
    expect((await run(0.85, false)).passed).toBe(true)
    expect((await run(0.75, false)).failures).toEqual([
      'quality: mean is 0.75, must be at least 0.8 (baseline 0.9)',
    ])
  })

  it('takes the recorder of a test whose app traces already', async () => {
    const recorder = recordTraces()
    try {
      const result = await evaluateRoute({
        ...local,
        app: answeringApp(),
        recorder,
        data: [{ input: 'Ada' }],
        request: ask,
        evaluators: [calledTools(['search'])],
      })
      expect(result.passed).toBe(true)
      await expect(
        evaluateRoute({
          ...local,
          app: answeringApp(),
          data: [{ input: 'Ada' }],
          request: ask,
          evaluators: [noErrors()],
        }),
      ).rejects.toThrow('LANGFUSE_EVALUATE_TRACING_RUNNING')
    } finally {
      await recorder.close()
    }
  })

  it('says what is missing when an app at an address has its traces elsewhere', async () => {
    const server = createServer((_request, response) => response.end('hello'))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const result = await evaluateRoute({
      ...local,
      url: `http://127.0.0.1:${port}`,
      data: [{ input: { path: '/' } }],
      evaluators: [contains('hello')],
    })
    server.close()

    expect(result.items[0]!.errors[0]).toContain('set LANGFUSE_BASE_URL and keys')
  })
})

describe('the data of an evaluation', () => {
  const run = (data: string) =>
    evaluateRoute({ ...local, app: () => answeringApp(), data, request: ask, evaluators: [noErrors()] })

  it('may be a JSON Lines file', async () => {
    const file = join(directory, 'good.jsonl')
    await writeFile(file, '\uFEFF{"input":"Ada"}\r\n\n{"id":"second","input":"Grace"}\n')

    const { items } = await run(file)

    expect(items.map(({ item }) => item.input)).toEqual(['Ada', 'Grace'])
    expect(items[1]!.item.id).toBe('second')
  })

  it.each([
    ['{"input":"a"}\n{"input":', ':2: not valid JSON'],
    ['{"question":"a"}', ':1: the item has no "input"'],
    ['[1]', ':1: an item must be an object'],
    ['{"input":1,"id":7}', ':1: "id" must be a non-empty string'],
    ['\n\n{"input":1,"metadata":[]}', ':3: "metadata" must be an object'],
    ['{"input":1,"id":"x"}\n{"input":2,"id":"x"}', 'items 1 and 2 have the same id "x"'],
    ['', 'the dataset has no items'],
  ])('is refused with its line: %j', async (text, message) => {
    const file = join(directory, 'bad.jsonl')
    await writeFile(file, text)

    await expect(run(file)).rejects.toThrow(message)
  })

  it('names a file that cannot be read', async () => {
    await expect(run(join(directory, 'missing.jsonl'))).rejects.toThrow('cannot read the dataset file')
  })
})

describe('wrong options', () => {
  const right = { app: () => answeringApp(), data: [{ input: 1 }], request: ask, evaluators: [noErrors()] }

  it.each([
    [{ app: undefined }, 'give either `app` or `url`'],
    [{ url: 'http://localhost:1' }, 'give either `app` or `url`'],
    [{ app: undefined, url: 'nowhere' }, 'url must be an http(s) address, got "nowhere"'],
    [{ evaluators: [] }, 'evaluators must be an array of at least one function, got []'],
    [{ evaluators: ['x'] }, 'evaluators[0] must be a function, got "x"'],
    [{ concurrency: 0 }, 'concurrency must be a whole number of at least 1, got 0'],
    [{ timeoutMs: 'soon' }, 'timeoutMs must be a whole number of at least 1, got "soon"'],
    [{ thresholds: { a: 'high' } }, 'thresholds.a must be a number or an object, got "high"'],
    [{ thresholds: { a: { mean: { minimum: 1 } } } }, 'thresholds.a.mean must be an object with min, max'],
    [{ thresholds: { a: { average: 1 } } }, 'thresholds.a must be an object with mean'],
    [{ thresholds: { a: { mean: { maxDrop: 1 } } } }, 'baseline must be the path of a file'],
    [{ app: () => ({}) }, 'app must be an Express, Fastify, Koa or Hono app'],
  ])('are refused: %j', async (wrong, message) => {
    await expect(evaluateRoute({ ...local, ...right, ...wrong } as never)).rejects.toThrow(message)
  })
})
