import type { SendResult } from '../src/senders/sender.ts'
import { numberedSpan, numberedSpans, range } from './support/numbered-spans.ts'
import { ACCEPTED } from './support/scripted-sender.ts'
import { createTestOutbox, type TestOutbox } from './support/test-outbox.ts'

const POISON = 7

/** Hands in a span a second, for so many seconds. */
async function goOn(outbox: TestOutbox, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    outbox.take(numberedSpan(1000 + second))
    await outbox.clock.advance(1000)
  }
}

describe('a span on which a healthy server fails each time', () => {
  it.each([
    ['504', { outcome: 'failed', reason: '504 Gateway Timeout' }],
    ['a reset', { outcome: 'failed', reason: 'read ECONNRESET' }],
    ['a timeout', { outcome: 'failed', reason: 'no answer within 10000 ms', timedOut: true }],
    ['500', { outcome: 'failed', reason: '500 Internal Server Error' }],
    ['403 of a firewall', { outcome: 'refused', reason: '403 Forbidden' }],
  ] as [string, SendResult][])('by %s costs that span alone, which is named', async (_, failure) => {
    const outbox = createTestOutbox({ maxAttempts: 4 })
    outbox.sender.answer = spans => (spans.includes(POISON) ? failure : ACCEPTED)
    outbox.take(...numberedSpans(1, 100))
    await goOn(outbox, 400)
    expect(outbox.stats()).toMatchObject({
      waiting: 0,
      delivered: 499,
      dropped: { retries_exhausted: 1, total: 1 },
      breaker: { state: 'closed' },
    })
    expect(outbox.sender.received.filter(number => number <= 100).sort((a, b) => a - b)).toEqual(
      range(1, 100).filter(number => number !== POISON),
    )
    expect(outbox.lines).toContain(
      `warn: Langfuse failed on span b000000000000007 of trace a0000000000000000000000000000007 each time: ${failure.reason}`,
    )
  })

  it('delays the others by a few seconds at most, also on a single connection', async () => {
    const outbox = createTestOutbox({ maxInFlight: 1, maxBatchSpans: 1 })
    outbox.sender.answer = spans => (spans.includes(1) ? { outcome: 'failed', reason: '504' } : ACCEPTED)
    outbox.take(...numberedSpans(1, 20))
    await outbox.clock.advance(12_000)
    expect(outbox.sender.received.sort((a, b) => a - b)).toEqual(range(2, 20))
  })

  it('is kept while nothing else is accepted: then it is the server that fails', async () => {
    const outbox = createTestOutbox({ maxAttempts: 4 })
    let down = true
    outbox.sender.answer = () => (down ? { outcome: 'failed', reason: '500' } : ACCEPTED)
    outbox.take(...numberedSpans(1, 100))
    await goOn(outbox, 3600)
    expect(outbox.stats()).toMatchObject({ delivered: 0, dropped: { total: 0 }, waiting: 3700 })
    // A probe every ten seconds, after the first few.
    expect(outbox.sender.requests.length).toBeLessThan(370)
    down = false
    for (let second = 0; second < 120; second++) await outbox.clock.advance(1000)
    expect(outbox.stats()).toMatchObject({ delivered: 3700, waiting: 0 })
  })

  it('is sent again with its long texts cut if it is too large, and everything short stays', async () => {
    const outbox = createTestOutbox()
    const { send } = outbox.sender
    const sizes: number[] = []
    outbox.sender.send = (body, how) => {
      sizes.push(body.length)
      if (body.length > 100_000) return Promise.resolve({ outcome: 'too_large', reason: '413' })
      return send(body, how)
    }
    outbox.take(
      numberedSpan(1, {
        'langfuse.observation.input': 'ä'.repeat(200_000),
        'langfuse.observation.model.name': 'gpt-5',
        'langfuse.observation.usage_details': '{"input":7}',
      }),
      numberedSpan(2),
    )
    await outbox.clock.advance(1000)
    expect(outbox.stats()).toMatchObject({ delivered: 2, dropped: { total: 0 } })
    const [sent] = outbox.sender.spans.filter(span => span.attributes.number === 1)
    expect(sent!.attributes).toEqual({
      number: 1,
      'langfuse.observation.input': `${'ä'.repeat(512)} [cut: 398976 of 400000 bytes: too large to send]`,
      'langfuse.observation.model.name': 'gpt-5',
      'langfuse.observation.usage_details': '{"input":7}',
    })
    expect(outbox.lines.join()).toContain('was too large: its long texts are cut, and it is sent again')
    // The limit is one of that span, not of later batches.
    sizes.length = 0
    outbox.take(...numberedSpans(10, 40, { text: 'x'.repeat(3000) }))
    await outbox.clock.advance(1000)
    expect(sizes).toHaveLength(1)
  })

  it('is sent with its long texts cut if memory could not hold it', async () => {
    const outbox = createTestOutbox({ maxBytes: 1024 * 1024 })
    outbox.take(numberedSpan(1, { input: 'x'.repeat(500_000), model: 'gpt-5' }))
    await outbox.clock.advance(1000)
    expect(outbox.sender.spans[0]!.attributes).toMatchObject({ number: 1, model: 'gpt-5' })
    expect(outbox.stats()).toMatchObject({ delivered: 1, dropped: { total: 0 } })
  })

  it('may be of 8 MiB, however many requests are made at once', async () => {
    const outbox = createTestOutbox({ maxInFlight: 128 })
    outbox.take(numberedSpan(1, { input: 'x'.repeat(7_000_000) }))
    await outbox.clock.advance(1000)
    expect(outbox.sender.spans[0]!.attributes.input).toHaveLength(7_000_000)
  })
})

describe('a destination that asks to be left alone', () => {
  it.each([0, undefined])('with Retry-After %s is not asked in a loop', async retryAfterMs => {
    const outbox = createTestOutbox()
    outbox.sender.answer = () =>
      retryAfterMs === undefined ? { outcome: 'throttled' } : { outcome: 'throttled', retryAfterMs }
    outbox.take(numberedSpan(1))
    await outbox.clock.advance(60_000)
    expect(outbox.sender.requests.length).toBeLessThan(12)
  })

  it('is left alone whatever flushes come in', async () => {
    const outbox = createTestOutbox()
    const at: number[] = []
    outbox.sender.answer = (_spans, request) => {
      at.push(outbox.clock.now())
      return request === 1 ? { outcome: 'throttled', retryAfterMs: 30_000 } : ACCEPTED
    }
    outbox.take(numberedSpan(1))
    await outbox.clock.advance(100)
    for (let flush = 0; flush < 500; flush++) void outbox.flush({ timeoutMs: 60_000 })
    await outbox.clock.advance(40_000)
    expect(at).toEqual([100, 30_100])
  })

  it.each([
    ['fails', { outcome: 'failed', reason: '503' }, 65],
    ['refuses the keys', { outcome: 'refused', reason: '401' }, 3],
  ] as [string, SendResult, number][])(
    'because it %s is probed a bounded number of times',
    async (_, result, most) => {
      const outbox = createTestOutbox()
      outbox.sender.answer = () => result
      for (let flush = 0; flush < 600; flush++) {
        outbox.take(numberedSpan(flush))
        void outbox.flush({ timeoutMs: 5000 })
        await outbox.clock.advance(100)
      }
      expect(outbox.sender.requests.length).toBeLessThanOrEqual(most)
    },
  )
})

describe('a flush', () => {
  it('waits for nothing that cannot come before its deadline: keys that are refused, a long Retry-After', async () => {
    for (const result of [
      { outcome: 'refused', reason: '401' },
      { outcome: 'throttled', retryAfterMs: 60_000 },
    ] as SendResult[]) {
      const outbox = createTestOutbox()
      outbox.sender.answer = () => result
      outbox.take(numberedSpan(1))
      await expect(outbox.flush({ timeoutMs: 5000 })).resolves.toMatchObject({ waiting: 1 })
      await expect(outbox.close({ timeoutMs: 5000 })).resolves.toMatchObject({ dropped: 1 })
      expect(outbox.clock.now()).toBe(0)
    }
  })

  it('waits for nobody who was never there, but for a server that has just gone away', async () => {
    const outbox = createTestOutbox()
    let away = true
    outbox.sender.answer = () => (away ? { outcome: 'unreachable', reason: 'ECONNREFUSED' } : ACCEPTED)
    outbox.take(numberedSpan(1))
    await expect(outbox.flush({ timeoutMs: 5000 })).resolves.toMatchObject({ waiting: 1 })
    away = false
    await outbox.clock.advance(10_000)
    expect(outbox.sender.received).toEqual([1])
    away = true
    outbox.take(numberedSpan(2))
    const flushed = outbox.flush({ timeoutMs: 5000 })
    await outbox.clock.advance(900)
    away = false
    await outbox.clock.advance(4000)
    await expect(flushed).resolves.toMatchObject({ delivered: 1, waiting: 0 })
  })
})

describe("an app's own sender", () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
    ['resolves with undefined', () => Promise.resolve(undefined)],
    ['returns undefined', () => undefined],
    ['resolves with an unknown outcome', () => Promise.resolve({ outcome: 'fine' })],
    ['never settles', () => new Promise(() => undefined)],
  ])('that %s costs no span and crashes nothing', async (_, send) => {
    const outbox = createTestOutbox()
    const working = outbox.sender.send
    outbox.sender.send = send as never
    outbox.take(numberedSpan(1))
    await outbox.clock.advance(1000)
    outbox.sender.send = working
    await outbox.clock.advance(200_000)
    expect(outbox.stats()).toMatchObject({ delivered: 1, waiting: 0, dropped: { total: 0 } })
  })
})

describe('a lasting loss', () => {
  it('is reported at once, then with its total each minute and at the end', async () => {
    const outbox = createTestOutbox({ maxBytes: 64 * 1024, breaker: { failures: 1 } })
    outbox.sender.answer = () => ({ outcome: 'failed', reason: '503' })
    for (let number = 1; number <= 1000; number++)
      outbox.take(numberedSpan(number, { text: 'x'.repeat(1000) }))
    await outbox.clock.advance(61_000)
    const { memory_full } = outbox.stats().dropped
    const totals = () =>
      outbox.lines
        .filter(line => line.includes('waited in memory'))
        .map(line => Number.parseInt(line.slice(6).replaceAll(',', ''), 10))
    expect(totals()).toHaveLength(2)
    expect(totals().at(-1)).toBe(memory_full)
    outbox.take(...numberedSpans(2000, 2100, { text: 'x'.repeat(1000) }))
    await outbox.clock.advance(0)
    const closed = outbox.close({ timeoutMs: 10 })
    await outbox.clock.advance(10)
    await closed
    expect(totals().at(-1)).toBe(outbox.stats().dropped.memory_full)
    expect(outbox.stats().dropped.memory_full).toBeGreaterThan(memory_full)
  })
})
