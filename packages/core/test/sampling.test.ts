import { randomBytes } from 'node:crypto'
import { currentRequest, safeTrace, type TracingOptions, traceJob } from '@langfuse-middleware/core'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import { isSampled } from '../src/options/sampling.ts'

let recorder: Recorder | undefined

function record(options: TracingOptions): Recorder {
  recorder = recordTraces(options)
  return recorder
}

afterEach(async () => {
  await recorder?.close()
  recorder = undefined
})

async function names(): Promise<string[]> {
  return ((await recorder?.traces()) ?? []).map(trace => trace.root?.name ?? '(no root)')
}

describe('the base decision', () => {
  const ids = Array.from({ length: 20_000 }, () => randomBytes(16).toString('hex'))

  it.each([0, 0.1, 0.5, 0.9, 1])('keeps a share of %d', rate => {
    const share = ids.filter(id => isSampled(id, rate)).length / ids.length
    expect(share).toBeGreaterThanOrEqual(Math.max(rate - 0.02, 0))
    expect(share).toBeLessThanOrEqual(Math.min(rate + 0.02, 1))
  })

  it('keeps at a higher rate all that a lower rate keeps', () => {
    for (const id of ids) if (isSampled(id, 0.2)) expect(isSampled(id, 0.6)).toBe(true)
  })
})

describe('at rate 0', () => {
  it('keeps nothing that went well', async () => {
    record({ sampling: { rate: 0 } })
    await traceJob('well', () => safeTrace('child', () => 1))
    expect(await names()).toEqual([])
    expect(recorder?.tracing.stats().buffer).toMatchObject({ kept: 0, dropped: 1 })
  })

  it('keeps a trace that threw, whole', async () => {
    const { traces } = record({ sampling: { rate: 0 } })
    const job = traceJob('broken', () => {
      safeTrace('went well', () => {})
      throw new Error('no')
    })
    await expect(job).rejects.toThrow('no')
    const [trace] = await traces()
    expect(trace?.observations).toHaveLength(2)
    expect(trace?.root?.level).toBe('ERROR')
  })

  it('keeps a trace whose child failed, even where the request went well', async () => {
    const { traces } = record({ sampling: { rate: 0 } })
    await traceJob('recovered', () => {
      try {
        safeTrace('failing child', () => {
          throw new Error('no')
        })
      } catch {}
      safeTrace('fallback', () => {})
    })
    const [trace] = await traces()
    expect(trace?.observations.map(one => one.name).sort()).toEqual([
      'failing child',
      'fallback',
      'recovered',
    ])
  })

  it('keeps a slow trace', async () => {
    record({ sampling: { rate: 0, keepSlowerThanMs: 20 } })
    await traceJob('fast', () => {})
    await traceJob('slow', () => new Promise<void>(resolve => setTimeout(resolve, 25)))
    expect(await names()).toEqual(['slow'])
  })

  it('keeps what a predicate names', async () => {
    record({ sampling: { rate: 0, keep: trace => trace.tags.includes('vip') && trace.observations === 1 } })
    await traceJob('vip', () => {
      currentRequest()?.addTags('vip')
      safeTrace('child', () => {})
    })
    await traceJob('other', () => {})
    expect(await names()).toEqual(['vip'])
  })

  it('keeps the trace when the predicate throws, and says so once', async () => {
    const warn = jest.fn()
    record({
      sampling: {
        rate: 0,
        keep() {
          throw new Error('predicate')
        },
      },
      logger: { info() {}, warn, error() {} },
    })
    await traceJob('one', () => {})
    await traceJob('two', () => {})
    expect(await names()).toEqual(['one', 'two'])
    expect(warn).toHaveBeenCalledTimes(1)
    expect(recorder?.tracing.stats().warnings['sampling.keep failed']).toBe(2)
  })

  it('records nothing outside of requests', async () => {
    record({ sampling: { rate: 0 } })
    safeTrace('loose', () => {})
    expect(await names()).toEqual([])
  })
})

describe('empty traces', () => {
  it('are dropped on demand, unless they failed or something was observed', async () => {
    record({ emptyRequests: 'drop' })
    await traceJob('empty', () => {})
    await traceJob('observed', () => safeTrace('child', () => {}))
    await expect(
      traceJob('failed', () => {
        throw new Error('no')
      }),
    ).rejects.toThrow()
    expect(await names()).toEqual(['observed', 'failed'])
  })
})

it('drops a trace that is skipped, whole, even when it failed', async () => {
  record({})
  await expect(
    traceJob('skipped', () => {
      safeTrace('child', () => {})
      currentRequest()?.skip()
      throw new Error('no')
    }),
  ).rejects.toThrow()
  expect(await names()).toEqual([])
})
