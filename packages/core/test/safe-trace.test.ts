import { safeTrace, traceJob } from '@langfuse-middleware/core'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'

describe.each(['on', 'off'])('with tracing %s', state => {
  let recorder: Recorder | undefined

  beforeEach(() => {
    recorder = state === 'on' ? recordTraces() : undefined
  })

  afterEach(() => recorder?.close())

  it('gives what the function gives', async () => {
    expect(safeTrace('value', () => 42)).toBe(42)
    expect(await safeTrace('promise', async () => 42)).toBe(42)
  })

  it('runs the function once, and passes its error through once', async () => {
    const error = new Error('mine')
    const thrower = jest.fn(() => {
      throw error
    })
    const rejecter = jest.fn(async () => {
      throw error
    })
    expect(() => safeTrace('throws', thrower)).toThrow(error)
    await expect(safeTrace('rejects', rejecter)).rejects.toBe(error)
    expect(thrower).toHaveBeenCalledTimes(1)
    expect(rejecter).toHaveBeenCalledTimes(1)
  })

  it('survives an update that cannot be serialised', () => {
    const loop: Record<string, unknown> = {}
    loop.self = loop
    expect(
      safeTrace('loop', observation => {
        observation.update({ input: loop, metadata: { big: 1n } })
        return 'fine'
      }),
    ).toBe('fine')
  })

  it('leaves a thenable of a class of its own as it is', () => {
    class Answer {
      // biome-ignore lint/suspicious/noThenProperty: what LLM clients return is awaited and more.
      then(): void {}
    }
    const answer = new Answer()
    expect(safeTrace('thenable', () => answer)).toBe(answer)
  })
})

it('records duration, nesting, updates and errors', async () => {
  const recorder = recordTraces()
  await traceJob('job', () =>
    safeTrace('outer', async observation => {
      await new Promise(resolve => setTimeout(resolve, 20))
      observation.update({ input: { a: 1 }, output: 'b' })
      await safeTrace('inner', async () => Promise.reject(new Error('no'))).catch(() => {})
    }),
  )
  const [trace] = await recorder.traces()
  const [outer] = trace?.root?.children ?? []
  expect(outer).toMatchObject({ name: 'outer', input: { a: 1 }, output: 'b', level: 'DEFAULT' })
  expect(outer?.durationMs).toBeGreaterThanOrEqual(19)
  expect(outer?.children[0]).toMatchObject({ name: 'inner', level: 'ERROR', statusMessage: 'Error: no' })
  await recorder.close()
})
