import { createRelay, type Relay, type RelayOptions, type RelayRecord } from '../src/index.ts'
import { encodedSpans } from './support/encoded-spans.ts'
import { createManualClock, turns } from './support/manual-clock.ts'
import { numberedSpans, range } from './support/numbered-spans.ts'
import { decodeSpans } from './support/otlp-decoder.ts'
import { ACCEPTED, createScriptedSender, numberOf } from './support/scripted-sender.ts'

interface TestRecord extends RelayRecord {
  name: string
}

function testRelay(options: Partial<RelayOptions<TestRecord>> = {}) {
  const sender = createScriptedSender()
  const clock = createManualClock()
  const settled: string[] = []
  const discarded: { spans: number[]; cause: string; reason: string; sources: string[] }[] = []
  const relay: Relay<TestRecord> = createRelay<TestRecord>({
    items: 'spans',
    sender,
    clock,
    random: () => 0,
    logger: { info: () => {}, warn: () => {}, error: () => {} },
    async discard(item, cause, reason, sources) {
      const spans = decodeSpans(item.body).map(numberOf)
      discarded.push({ spans, cause, reason, sources: sources.map(({ name }) => name) })
    },
    ...options,
  })
  return {
    relay,
    sender,
    clock,
    settled,
    discarded,
    /** Adds a record of the spans numbered `from` to `to`. */
    add(name: string, from: number, to: number) {
      relay.add({ ...encodedSpans(numberedSpans(from, to)), name, settle: () => settled.push(name) })
    },
  }
}

describe('createRelay', () => {
  it('joins records to one request and settles each after it was accepted, not before', async () => {
    const { relay, sender, clock, settled, add } = testRelay()
    let accept!: () => void
    sender.answer = () => new Promise(resolve => (accept = () => resolve(ACCEPTED)))
    add('a', 1, 2)
    add('b', 3, 3)
    await clock.advance(200)
    expect(sender.requests).toEqual([[1, 2, 3]])
    expect(settled).toEqual([])
    accept()
    await turns()
    expect(settled).toEqual(['a', 'b'])
    expect(relay.stats()).toMatchObject({ accepted: 3, delivered: 3, waiting: 0 })
    expect(relay.bytes).toBe(0)
  })

  it('keeps records through an outage of any length, and settles them afterwards', async () => {
    const { sender, clock, settled, add } = testRelay()
    sender.answer = () => ({ outcome: 'unreachable', reason: '503' })
    add('a', 1, 3)
    await clock.advance(3_600_000)
    expect(settled).toEqual([])
    sender.answer = () => ACCEPTED
    await clock.advance(60_000)
    expect(settled).toEqual(['a'])
  })

  it('discards only the malformed span among good ones, naming the records it may come from', async () => {
    const { relay, sender, clock, settled, discarded, add } = testRelay()
    sender.answer = spans =>
      spans.includes(5) ? { outcome: 'malformed', reason: '400 Bad Request' } : ACCEPTED
    add('a', 1, 4)
    add('b', 5, 8)
    await clock.advance(10_000)
    expect(sender.received.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 6, 7, 8])
    expect(discarded).toEqual([
      { spans: [5], cause: 'malformed', reason: '400 Bad Request', sources: ['a', 'b'] },
    ])
    expect(settled).toEqual(['a', 'b'])
    expect(relay.stats()).toMatchObject({ delivered: 7, waiting: 0 })
  })

  it('delivers the neighbours of a span on which the destination always fails', async () => {
    const { sender, clock, discarded, add } = testRelay({ maxAttempts: 3 })
    sender.answer = spans => (spans.includes(7) ? { outcome: 'failed', reason: '500' } : ACCEPTED)
    add('poisoned', 1, 40)
    for (let number = 41; discarded.length === 0 && number < 400; number++) {
      add(`good ${number}`, number, number)
      await clock.advance(60_000)
    }
    expect(discarded).toMatchObject([{ spans: [7], cause: 'retries_exhausted' }])
    expect(sender.received).toEqual(expect.arrayContaining(range(8, 40)))
  })

  it('settles a discarded record only after it has been kept elsewhere, and tries that again', async () => {
    let attempts = 0
    const { sender, clock, settled, relay, add } = testRelay({
      async discard() {
        attempts += 1
        if (attempts < 3) throw new Error('topic missing')
      },
    })
    sender.answer = () => ({ outcome: 'malformed' })
    add('a', 1, 1)
    await clock.advance(500)
    expect([attempts, settled]).toEqual([1, []])
    expect(relay.bytes).toBeGreaterThan(0)
    await clock.advance(5_000)
    expect([attempts, settled]).toEqual([3, ['a']])
    expect(relay.bytes).toBe(0)
  })

  it('sends no more than the limit allows', async () => {
    let nextAt = 0
    const { sender, clock, add } = testRelay({
      lingerMs: 0,
      limit: {
        readyAt: () => nextAt,
        spend() {
          nextAt = Math.max(clock.now(), nextAt) + 1_000
        },
      },
    })
    for (const number of range(1, 5)) {
      add(`${number}`, number, number)
      await clock.advance(1)
    }
    expect(sender.requests).toHaveLength(1)
    await clock.advance(1_000)
    expect(sender.requests).toHaveLength(2)
    expect(sender.received).toEqual([1, 2, 3, 4, 5])
  })

  it('drains what was handed in, and says whether it could', async () => {
    const { relay, sender, clock, settled, add } = testRelay()
    add('a', 1, 1)
    await expect(relay.drain(1_000)).resolves.toBe(true)
    expect(settled).toEqual(['a'])
    sender.answer = () => ({ outcome: 'unreachable' })
    add('b', 2, 2)
    const drained = relay.drain(1_000)
    await clock.advance(1_000)
    await expect(drained).resolves.toBe(false)
    await relay.close()
    await clock.advance(60_000)
    expect(settled).toEqual(['a'])
  })
})
