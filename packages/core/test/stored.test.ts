import {
  createTraceId,
  propagateAttributes,
  setActiveTraceAsPublic,
  startObservation,
  updateActiveObservation,
} from '@langfuse/tracing'
import { currentRequest, runWithContext, safeTrace, traceJob } from '@langfuse-middleware/core'
import {
  createRequestTracer,
  type MiddlewareOptions,
  type RequestLike,
} from '@langfuse-middleware/core/adapter'
import { type RecordedTrace, type Recorder, recordTraces } from '@langfuse-middleware/testing'

let recorder: Recorder

beforeEach(() => {
  recorder = recordTraces()
})
afterEach(() => recorder.close())

interface Call {
  readonly options?: MiddlewareOptions<RequestLike>
  readonly headers?: Record<string, string>
  readonly route?: Parameters<ReturnType<typeof createRequestTracer>['start']>[1]
  readonly statusCode?: number
}

/** A request whose handler is `work`, from its start to its end. */
async function traced(work: () => void, call: Call = {}): Promise<RecordedTrace> {
  const { options, headers = {}, route, statusCode = 200 } = call
  const request = createRequestTracer(options).start({ method: 'GET', url: '/items/1', headers }, route)
  request.run(work)
  request.end({ statusCode, route: '/items/:id', end: 'completed' })
  return (await recorder.traces()).at(-1) as RecordedTrace
}

const namesOf = ({ observations }: RecordedTrace) =>
  observations.map(({ attributes }) => attributes['langfuse.trace.name'])

describe("the trace's name", () => {
  it('is on every observation, also on one that ended before the name was final', async () => {
    const trace = await traced(() => {
      safeTrace('early', () => {})
      currentRequest()?.setName('chat')
    })
    expect(namesOf(trace)).toEqual(['chat', 'chat'])
  })

  it('is METHOD route-template without another', async () => {
    expect(namesOf(await traced(() => safeTrace('step', () => {})))).toEqual([
      'GET /items/:id',
      'GET /items/:id',
    ])
  })

  it("is the caller's in a joined trace, and none if the caller gives none", async () => {
    const id = 'a'.repeat(32)
    const caller = {
      traceparent: `00-${id}-${'b'.repeat(16)}-01`,
      baggage: `langfuse_trace_id=${id},langfuse_trace_name=POST%20%2Fchat`,
    }
    const options = { trust: true }
    expect(namesOf(await traced(() => safeTrace('step', () => {}), { headers: caller, options }))).toEqual([
      'POST /chat',
      'POST /chat',
    ])
    recorder.clear()
    const nameless = { ...caller, baggage: `langfuse_trace_id=${id}` }
    expect(namesOf(await traced(() => safeTrace('step', () => {}), { headers: nameless, options }))).toEqual([
      undefined,
      undefined,
    ])
  })

  it('marks the root of a trusted caller that claims nothing as the root of this app', async () => {
    const id = 'c'.repeat(32)
    const headers = { traceparent: `00-${id}-${'b'.repeat(16)}-01` }
    const { observations } = await traced(() => {}, { headers, options: { trust: 'traceparent' } })
    expect(observations[0]).toMatchObject({ traceId: id, parentId: 'b'.repeat(16) })
    expect(observations[0]?.attributes['langfuse.internal.is_app_root']).toBe(true)
    expect(namesOf({ observations } as RecordedTrace)).toEqual(['GET /items/:id'])
  })
})

describe("what the app sets on the root by Langfuse's SDK", () => {
  it('stays', async () => {
    const { root } = await traced(() => {
      updateActiveObservation({ input: 'question', output: 'answer' }, { asType: 'agent' })
    })
    expect(root).toMatchObject({ input: 'question', output: 'answer', type: 'agent' })
  })

  it('gives way to request.langfuse', async () => {
    const { root } = await traced(() => {
      updateActiveObservation({ input: 'question', output: 'answer' })
      currentRequest()?.update({ output: 'better' })
    })
    expect(root).toMatchObject({ input: 'question', output: 'better' })
  })

  it.each([
    ['is not lowered by a good status', 'ERROR', 200, 'ERROR'],
    ['is raised by a bad status', 'DEBUG', 503, 'ERROR'],
    ['is a WARNING above the default', 'WARNING', 200, 'WARNING'],
  ] as const)('has a level that %s', async (_name, level, statusCode, expected) => {
    const { root } = await traced(() => updateActiveObservation({ level }), { statusCode })
    expect(root?.level).toBe(expected)
  })

  it('is a reason to keep the trace if its level is ERROR', async () => {
    const route = { sampling: { rate: 0 } }
    await traced(() => updateActiveObservation({ level: 'ERROR' }), { route })
    expect(await recorder.traces()).toHaveLength(1)
  })

  it('makes tags a union, and user, session and name one on every observation', async () => {
    const headers = { 'x-user-id': 'from-header' }
    const trace = await traced(
      () => {
        startObservation('before').end()
        currentRequest()?.addTags('ours')
        propagateAttributes({ tags: ['theirs'], userId: 'sdk', traceName: 'sdk name' }, () => {
          startObservation('within').end()
        })
      },
      { headers },
    )
    expect(trace.observations).toHaveLength(3)
    for (const observation of trace.observations) {
      expect([...observation.tags].sort()).toEqual(['ours', 'theirs'])
      expect(observation.userId).toBe('sdk')
    }
    expect(new Set(namesOf(trace))).toEqual(new Set(['sdk name']))
  })

  it('loses to the user and name that request.langfuse sets', async () => {
    const trace = await traced(() => {
      propagateAttributes({ userId: 'sdk', traceName: 'sdk name' }, () => startObservation('within').end())
      currentRequest()?.setUser('ours')
      currentRequest()?.setName('our name')
    })
    expect(trace.observations.map(({ userId }) => userId)).toEqual(['ours', 'ours'])
    expect(new Set(namesOf(trace))).toEqual(new Set(['our name']))
  })

  it('leaves what runWithContext runs for another user with that user', async () => {
    const trace = await traced(() => {
      currentRequest()?.setUser('ours')
      runWithContext({ userId: 'other' }, () => startObservation('within').end())
      startObservation('after').end()
    })
    expect(Object.fromEntries(trace.observations.map(({ name, userId }) => [name, userId]))).toMatchObject({
      within: 'other',
      after: 'ours',
    })
  })
})

it.each([
  ['setPublic', () => currentRequest()?.setPublic()],
  ["Langfuse's SDK", () => setActiveTraceAsPublic()],
])('makes a trace public by %s', async (_name, work) => {
  const { root } = await traced(() => void work())
  expect(root?.attributes['langfuse.trace.public']).toBe(true)
})

it('gives the root the type of the options, and of the route above them', async () => {
  expect((await traced(() => {}, { options: { type: 'chain' } })).root?.type).toBe('chain')
  expect((await traced(() => {}, { options: { type: 'chain' }, route: { type: 'agent' } })).root?.type).toBe(
    'agent',
  )
  expect(() => createRequestTracer({ type: 'robot' as never })).toThrow('type')
})

it('counts and marks metadata beyond what a span holds', async () => {
  const many = Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`key${index}`, index]))
  const { root } = await traced(() => currentRequest()?.setMetadata(many))
  expect(root?.metadata.key63).toBe(63)
  expect(root?.metadata.key64).toBeUndefined()
  expect(root?.metadata.droppedKeys).toBe(6)
  expect(recorder.tracing.stats().warnings['metadata dropped']).toBe(1)
})

describe('the option traceId', () => {
  it('gives a trace its id', async () => {
    const id = await createTraceId('order-42')
    const trace = await traced(() => {}, { options: { traceId: () => id } })
    expect(trace.id).toBe(id)
  })

  it.each([['short'], ['0'.repeat(32)], ['A'.repeat(32)], [42], [Promise.resolve('x')]])(
    'refuses and counts %p',
    async id => {
      const trace = await traced(() => {}, { options: { traceId: () => id as string } })
      expect(trace.id).toMatch(/^[0-9a-f]{32}$/)
      expect(recorder.tracing.stats().warnings['traceId failed']).toBe(1)
    },
  )

  it('generates one if it throws or returns nothing', async () => {
    for (const traceId of [
      () => undefined,
      () => {
        throw new Error('a bug')
      },
    ]) {
      expect((await traced(() => {}, { options: { traceId } })).id).toMatch(/^[0-9a-f]{32}$/)
    }
  })
})

describe('an async generator', () => {
  async function* words() {
    yield 'one'
    safeTrace('between', () => {})
    yield 'two'
  }

  it('is followed by safeTrace to its end', async () => {
    await traceJob('job', async () => {
      const seen: string[] = []
      for await (const word of safeTrace('stream', () => words())) seen.push(word)
      expect(seen).toEqual(['one', 'two'])
    })
    const { root } = (await recorder.traces()).at(-1) as RecordedTrace
    expect(root?.children.map(({ name }) => name)).toEqual(['stream'])
    expect(root?.children[0]?.children.map(({ name }) => name)).toEqual(['between'])
  })

  it('is followed by traceJob to its end, also if it is left early', async () => {
    const stream = await traceJob('job', () => words())
    expect(await recorder.traces()).toEqual([])
    for await (const word of stream) if (word === 'one') break
    expect((await recorder.traces()).map(trace => trace.root?.name)).toEqual(['job'])
  })

  it('fails its observation if it fails', async () => {
    async function* failing() {
      yield 1
      throw new Error('broken')
    }
    await expect(async () => {
      for await (const _ of await traceJob('job', () => failing())) {
      }
    }).rejects.toThrow('broken')
    expect((await recorder.traces())[0]?.root).toMatchObject({
      level: 'ERROR',
      statusMessage: 'Error: broken',
    })
  })
})

it('passes status messages and the error of the root through the mask', async () => {
  await recorder.close()
  recorder = recordTraces({ mask: ({ data }) => String(data).replaceAll('private', '***') })
  await expect(
    traceJob('job', () =>
      safeTrace('step', () => {
        startObservation('own', { level: 'ERROR', statusMessage: 'private too' }).end()
        throw new Error('a private matter')
      }),
    ),
  ).rejects.toThrow('a private matter')
  const { observations } = (await recorder.traces()).at(-1) as RecordedTrace
  expect(observations.map(({ statusMessage }) => statusMessage).sort()).toEqual([
    '*** too',
    'Error: a *** matter',
    'Error: a *** matter',
  ])
  expect(JSON.stringify(observations)).not.toContain('private')
})
