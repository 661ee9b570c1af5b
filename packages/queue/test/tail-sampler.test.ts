import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createWorker, queueFromUrl } from '../src/index.ts'
import { resolveTailSampling, type TailSamplingOptions } from '../src/tail-sampling/options.ts'
import { createTailSampler, type TailSampler } from '../src/tail-sampling/tail-sampler.ts'
import { encoded, type SpanShape, scoreOf, spanOf } from './support/spans.ts'
import { until } from './support/until.ts'

describe('createTailSampler', () => {
  let directory: string
  let samplers: TailSampler[]
  let kept: number
  let dropped: number
  const warnings: string[] = []

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tail-sampling-'))
    samplers = []
    kept = 0
    dropped = 0
  })
  afterEach(() => {
    for (const sampler of samplers) sampler.close()
    rmSync(directory, { recursive: true })
  })

  function create(options: Partial<TailSamplingOptions> = {}, maxBytes = 1_000_000): TailSampler {
    const config = resolveTailSampling('tailSampling', { rate: 0, quietMs: 40, directory, ...options })
    const sampler = createTailSampler(config, { maxBytes, warn: message => warnings.push(message) })
    samplers.push(sampler)
    return sampler
  }

  function add(sampler: TailSampler, ...shapes: SpanShape[]): void {
    sampler.add(encoded(shapes.map(spanOf)).body, (body, spans) => ({
      body,
      spans,
      keep() {
        kept += spans
      },
      drop() {
        dropped += spans
      },
    }))
  }

  it('keeps every span of a trace in which any service failed, also those that came before and after', async () => {
    const sampler = create()
    add(sampler, { number: 1, trace: 1, service: 'shop' })
    add(sampler, { number: 2, trace: 1, service: 'advisor', failed: true })
    expect(kept).toBe(2)
    add(sampler, { number: 3, trace: 1, service: 'shop' })
    expect([kept, dropped, sampler.bytes]).toEqual([3, 0, 0])
  })

  it('drops the others after a quiet time, and counts them', async () => {
    const sampler = create()
    add(sampler, { number: 1, trace: 1 }, { number: 2, trace: 2 })
    expect([kept, dropped, sampler.spans]).toEqual([0, 0, 2])
    await until(() => dropped === 2)
    expect([sampler.droppedSpans, sampler.spans, sampler.bytes]).toEqual([2, 0, 0])
    add(sampler, { number: 3, trace: 1 })
    expect(dropped).toBe(3)
  })

  it('keeps slow traces by the time from the first start to the last end of all services', async () => {
    const sampler = create({ keepSlowerThanMs: 500 })
    add(sampler, { number: 1, trace: 1, durationMs: 100 })
    add(sampler, { number: 2, trace: 1, durationMs: 600 })
    add(sampler, { number: 3, trace: 2, durationMs: 499 })
    await until(() => kept === 2 && dropped === 1)
  })

  it('keeps what the predicate names, and what it throws on', async () => {
    const sampler = create({
      keep({ spans, durationMs }) {
        if (spans[0]!.name === 'span 3') throw new Error('a mistake')
        return (
          spans.some(
            ({ service, attributes }) =>
              service === 'billing' && attributes['langfuse.observation.input'] === 'xxxxx',
          ) && durationMs < 20
        )
      },
    })
    add(sampler, { number: 1, trace: 1, service: 'billing', size: 5 })
    add(sampler, { number: 2, trace: 2, service: 'billing', size: 6 })
    add(sampler, { number: 3, trace: 3 })
    await until(() => kept === 2 && dropped === 1)
    expect(warnings).toContainEqual(expect.stringContaining('a mistake'))
  })

  it('keeps the share that `rate` names, the same traces in every worker', async () => {
    const numbers = Array.from({ length: 400 }, (_, index) => index + 1)
    // Ids whose end is spread like that of random ones.
    const traceOf = (number: number) => (number * 0x9e3779b97f4a7) % 2 ** 52
    const sampler = create({ rate: 0.3 })
    for (const number of numbers) add(sampler, { number, trace: traceOf(number) })
    await until(() => kept + dropped === 400)
    expect(kept / 400).toBeGreaterThan(0.2)
    expect(kept / 400).toBeLessThan(0.4)
  })

  it('follows a decision after a restart, and survives a record that was cut off', async () => {
    const first = create()
    add(first, { number: 1, trace: 1, failed: true }, { number: 2, trace: 2 })
    await until(() => dropped === 1)
    first.close()
    appendFileSync(join(directory, 'decisions'), Buffer.from([1, 2, 3]))
    const second = create({ rate: 1, quietMs: 60_000 })
    add(second, { number: 3, trace: 1 })
    add(second, { number: 4, trace: 2 })
    expect([kept, dropped]).toEqual([2, 2])
    expect(second.keepsScores(Buffer.from(`${JSON.stringify(scoreOf('a', 2))}\n`))).toBe(false)
    expect(second.keepsScores(Buffer.from(`${JSON.stringify(scoreOf('a', 1))}\n`))).toBe(true)
  })

  it('decides the oldest early where memory is full, instead of growing', () => {
    const sampler = create({ quietMs: 60_000 }, 3_000)
    for (let number = 1; number <= 20; number++) add(sampler, { number, trace: number, size: 400 })
    expect(sampler.bytes).toBeLessThanOrEqual(3_000)
    expect(dropped).toBeGreaterThan(10)
    expect(warnings).toContainEqual(expect.stringContaining('decided early'))
  })

  it('is refused on a queue that does not keep a trace together', () => {
    const options = {
      projects: [{ publicKey: 'pk-lf-1', secretKey: 'sk-lf-1' }],
      tailSampling: { rate: 0.1, directory },
    }
    expect(() => createWorker({ queue: queueFromUrl('redis://127.0.0.1:1'), ...options })).toThrow(
      /tailSampling must be absent: only Kafka sends all spans of a trace to one worker, got "Redis"/,
    )
    expect(() =>
      createWorker({
        queue: queueFromUrl('kafka://127.0.0.1:1'),
        ...options,
        tailSampling: { rate: 2, directory },
      }),
    ).toThrow(/tailSampling.rate must be between 0 and 1, got 2/)
  })
})
