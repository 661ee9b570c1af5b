import { startObservation } from '@langfuse/tracing'
import { safeTrace, traceJob } from '@langfuse-middleware/core'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import { type TraceMatchers, traceMatchers } from '../src/matchers.ts'

expect.extend(traceMatchers)

declare global {
  namespace jest {
    interface Matchers<R> extends TraceMatchers<R> {}
  }
}

let recorder: Recorder

beforeAll(() => {
  recorder = recordTraces()
})

afterAll(() => recorder.close())

async function traced(level: 'DEFAULT' | 'ERROR' = 'DEFAULT') {
  const name = `job ${level}`
  await traceJob(name, () =>
    safeTrace('work', () => {
      startObservation('search', {}, { asType: 'tool' }).end()
      startObservation('book', {}, { asType: 'tool' }).end()
      startObservation(
        'plan',
        {
          model: 'gpt-4.1-2025-04-14',
          usageDetails: { input: 1000, output: 100 },
          level,
          statusMessage: 'overloaded',
        },
        { asType: 'generation' },
      ).end()
    }),
  )
  return recorder.waitFor(({ root }) => root?.name === name)
}

describe('the matchers for Jest and Vitest', () => {
  it('pass for a trace that is as expected', async () => {
    const trace = await traced()
    await expect(trace).toHaveCalledTools(['search', 'book'])
    await expect(trace).not.toHaveCalledTools(['book', 'search'])
    await expect(trace).toHaveNoErrors()
    await expect(trace).toCostLessThan(0.01)
    await expect(trace).toUseFewerTokensThan(1_101)
    await expect(trace).toHaveGeneration({ model: 'gpt-4.1' })
    await expect(trace).not.toHaveGeneration({ model: 'gpt-4' })
    await expect(trace).toHaveGeneration({ name: /^pl/, model: /^gpt/ })
    await expect(traced()).toHaveGeneration()
  })

  it('fail with what the trace has instead', async () => {
    const trace = await traced('ERROR')
    await expect(expect(trace).toHaveNoErrors()).rejects.toThrow('plan: overloaded')
    await expect(expect(trace).toHaveCalledTools(['pay'])).rejects.toThrow('called: search, book')
    await expect(expect(trace).toCostLessThan(0.001)).rejects.toThrow('cost $0.0028')
    await expect(expect(trace).toUseFewerTokensThan(1_100)).rejects.toThrow('used 1100')
    await expect(expect(trace).toHaveGeneration({ model: 'claude' })).rejects.toThrow(
      'plan (gpt-4.1-2025-04-14)',
    )
    await expect(expect({}).toHaveNoErrors()).rejects.toThrow('expected a trace of recordTraces()')
  })
})
