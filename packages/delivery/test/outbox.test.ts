import { ExportResultCode } from '@opentelemetry/core'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { createOutbox } from '../src/index.ts'
import type { SendResult } from '../src/senders/sender.ts'
import { createManualClock, turns } from './support/manual-clock.ts'
import { numberedSpan, numberedSpans, range } from './support/numbered-spans.ts'
import { ACCEPTED } from './support/scripted-sender.ts'
import { createTestOutbox } from './support/test-outbox.ts'

const REFUSED_CONNECTION: SendResult = { outcome: 'unreachable', reason: 'connect ECONNREFUSED' }
const big = { text: 'x'.repeat(1000) }

describe('batching', () => {
  it('gives spans a moment for company, then sends them together', async () => {
    const outbox = createTestOutbox()
    outbox.take(numberedSpan(1))
    await outbox.clock.advance(99)
    outbox.take(numberedSpan(2), numberedSpan(3))
    expect(outbox.sender.requests).toEqual([])
    await outbox.clock.advance(1)
    expect(outbox.sender.requests).toEqual([[1, 2, 3]])
  })

  it('waits for the interval where fewer spans than wanted came in', async () => {
    const outbox = createTestOutbox({ minBatchSpans: 3, intervalMs: 5000 })
    outbox.take(...numberedSpans(1, 2))
    await outbox.clock.advance(4999)
    expect(outbox.sender.requests).toEqual([])
    await outbox.clock.advance(1)
    outbox.take(...numberedSpans(3, 5))
    await outbox.clock.advance(100)
    expect(outbox.sender.requests).toEqual([
      [1, 2],
      [3, 4, 5],
    ])
  })

  it('sends full batches at once, several side by side', async () => {
    const outbox = createTestOutbox({ maxBatchSpans: 10, maxInFlight: 3 })
    let answer!: (result: SendResult) => void
    const answered = new Promise<SendResult>(resolve => {
      answer = resolve
    })
    outbox.sender.answer = () => answered
    outbox.take(...numberedSpans(1, 50))
    await turns()
    expect(outbox.sender.requests).toEqual([range(1, 10), range(11, 20), range(21, 30)])
    expect(outbox.stats()).toMatchObject({ accepted: 50, delivered: 0, waiting: 50, inFlight: 3 })
    answer(ACCEPTED)
    await outbox.clock.advance(100)
    expect(outbox.sender.received).toEqual(range(1, 50))
    expect(outbox.stats()).toMatchObject({ delivered: 50, waiting: 0, inFlight: 0, memoryBytes: 0 })
  })

  it('keeps a batch within the bytes allowed', async () => {
    const outbox = createTestOutbox({ maxBatchBytes: 5000 })
    outbox.take(...numberedSpans(1, 9, big))
    await outbox.clock.advance(100)
    expect(outbox.sender.requests.length).toBeGreaterThan(1)
    expect(outbox.sender.requests.every(request => request.length <= 5)).toBe(true)
    expect(outbox.sender.received).toEqual(range(1, 9))
  })

  it('says success at once whatever the destination does, and failure once closed', async () => {
    const outbox = createTestOutbox()
    outbox.sender.answer = () => new Promise(() => undefined)
    const results: number[] = []
    outbox.export(numberedSpans(1, 2), ({ code }) => results.push(code))
    expect(results).toEqual([ExportResultCode.SUCCESS])
    void outbox.close({ timeoutMs: 50 })
    await outbox.clock.advance(50)
    outbox.export(numberedSpans(3, 3), ({ code }) => results.push(code))
    expect(results).toEqual([ExportResultCode.SUCCESS, ExportResultCode.FAILED])
    expect(outbox.stats().dropped).toMatchObject({ closed: 3, total: 3 })
    expect(outbox.unaccounted()).toBe(0)
  })

  it('encodes a large backlog in slices, losing nothing and keeping the order', async () => {
    const outbox = createTestOutbox({ clock: undefined, lingerMs: 1 })
    outbox.take(...numberedSpans(1, 30_000))
    expect(outbox.sender.received).toHaveLength(0)
    outbox.take(numberedSpan(30_001))
    await expect(outbox.flush()).resolves.toMatchObject({ delivered: 30_001, waiting: 0 })
    expect(outbox.sender.received).toEqual(range(1, 30_001))
    expect(outbox.unaccounted()).toBe(0)
  })
})

describe('a busy process', () => {
  it('loses nothing where the turns of its event loop are long and much comes in with each', async () => {
    let now = 0
    const outbox = createTestOutbox({ clock: { ...createManualClock(), now: () => now }, maxBytes: 2 ** 23 })
    const heavy = (number: number): ReadableSpan => ({
      ...numberedSpan(number, { text: 'x'.repeat(2 ** 16) }),
      get name() {
        // What it takes to encode one.
        now += 0.25
        return 'heavy'
      },
    })
    for (let turn = 0; turn < 50; turn += 1) {
      outbox.take(...range(24 * turn + 1, 24 * turn + 24).map(heavy))
      now += 40
      await new Promise(resolve => setImmediate(resolve))
    }
    await outbox.flush()
    expect(outbox.stats()).toMatchObject({ delivered: 1_200, dropped: { total: 0 } })
  })
})

describe('a destination in trouble', () => {
  it('is tried again after a wait that doubles, with nothing lost', async () => {
    const outbox = createTestOutbox()
    const at: number[] = []
    outbox.sender.answer = (_spans, request) => {
      at.push(outbox.clock.now())
      return request < 4 ? REFUSED_CONNECTION : ACCEPTED
    }
    outbox.take(...numberedSpans(1, 3))
    await outbox.clock.advance(5000)
    // Chance is 0 here, so each wait is half of 500, 1000 and 2000 ms.
    expect(at).toEqual([100, 350, 850, 1850])
    expect(outbox.sender.received).toEqual([1, 2, 3])
    expect(outbox.stats()).toMatchObject({ delivered: 3, requests: 4, retries: 3 })
  })

  it('is waited for no longer because several requests failed side by side', async () => {
    const outbox = createTestOutbox({ maxBatchSpans: 1, maxInFlight: 4, breaker: { failures: 100 } })
    const at: number[] = []
    outbox.sender.answer = (_spans, request) => {
      at.push(outbox.clock.now())
      if (request > 4) return ACCEPTED
      return new Promise(resolve => outbox.clock.after(50, () => resolve(REFUSED_CONNECTION)))
    }
    outbox.take(...numberedSpans(1, 4))
    await outbox.clock.advance(5000)
    expect(at).toEqual([0, 0, 0, 0, 300, 300, 300, 300])
  })

  it('gets spans in their order again, in whichever order their requests failed', async () => {
    const outbox = createTestOutbox({ maxBatchSpans: 1, maxInFlight: 3 })
    const failLater = (ms: number): Promise<SendResult> =>
      new Promise(resolve => outbox.clock.after(ms, () => resolve(REFUSED_CONNECTION)))
    outbox.sender.answer = ([number], request) => (request > 3 ? ACCEPTED : failLater(number! * 10))
    outbox.take(...numberedSpans(1, 5))
    await outbox.clock.advance(5000)
    expect(outbox.sender.received).toEqual(range(1, 5))
  })

  it('is left alone for as long as it asks', async () => {
    const outbox = createTestOutbox()
    const at: number[] = []
    outbox.sender.answer = (_spans, request) => {
      at.push(outbox.clock.now())
      return request === 1 ? { outcome: 'throttled', retryAfterMs: 30_000 } : ACCEPTED
    }
    outbox.take(numberedSpan(1))
    await outbox.clock.advance(10_000)
    outbox.take(numberedSpan(2))
    await outbox.clock.advance(30_000)
    expect(at).toEqual([100, 30_100])
    expect(outbox.sender.received).toEqual([1, 2])
    expect(outbox.stats().breaker).toMatchObject({ state: 'closed', openings: 0 })
  })

  it('is tried again if the sender throws', async () => {
    const outbox = createTestOutbox()
    outbox.sender.answer = (_spans, request) => (request === 1 ? new Error('broken') : ACCEPTED)
    outbox.take(numberedSpan(1))
    await outbox.clock.advance(1000)
    expect(outbox.sender.received).toEqual([1])
  })

  it('is not tried while the breaker is open, then by one probe at a time', async () => {
    const outbox = createTestOutbox({ breaker: { failures: 3, coolDownMs: 10_000 }, maxBatchSpans: 10 })
    const at: number[] = []
    let down = true
    outbox.sender.answer = () => {
      at.push(outbox.clock.now())
      return down ? REFUSED_CONNECTION : ACCEPTED
    }
    outbox.take(numberedSpan(1))
    await outbox.clock.advance(2000)
    expect(at).toEqual([100, 350, 850])
    expect(outbox.stats().breaker).toMatchObject({ state: 'open', openings: 1 })
    expect(outbox.health()).toEqual({
      status: 'degraded',
      reasons: ['Langfuse is unreachable'],
    })
    outbox.take(...numberedSpans(2, 35))
    await outbox.clock.advance(18_000)
    expect(at).toEqual([100, 350, 850, 10_850])
    down = false
    await outbox.clock.advance(1000)
    expect(at.slice(4)).toEqual([20_850, 20_850, 20_850, 20_850, 20_850])
    expect(outbox.sender.requests[4]).toEqual([1])
    expect(outbox.sender.received).toEqual(range(1, 35))
    expect(outbox.health()).toEqual({ status: 'ok', reasons: [] })
    expect(outbox.lines).toEqual([
      'warn: Langfuse unreachable (connect ECONNREFUSED): 1 span waiting in memory; next try in 10 s',
      'info: Langfuse reachable again after 20 s: 35 spans waiting in memory',
    ])
  })

  it('gets smaller batches after a timeout, and full ones again when it keeps up', async () => {
    const outbox = createTestOutbox({ maxBatchBytes: 512 * 1024, maxInFlight: 1 })
    outbox.sender.answer = (_spans, request) =>
      request <= 2 ? { outcome: 'unreachable', reason: 'late', timedOut: true } : ACCEPTED
    const wide = { text: 'x'.repeat(60_000) }
    outbox.take(...numberedSpans(1, 40, wide))
    await outbox.clock.advance(10_000)
    const sizes = outbox.sender.requests.map(request => request.length)
    expect(sizes[0]).toBeGreaterThan(sizes[1]!)
    expect(Math.max(...sizes.slice(4))).toBeGreaterThan(sizes[2]!)
    expect(outbox.sender.received).toEqual(range(1, 40))
  })
})

describe('answers about the spans themselves', () => {
  it('finds the one malformed span among many and delivers the others', async () => {
    const outbox = createTestOutbox()
    outbox.sender.answer = spans =>
      spans.includes(37) ? { outcome: 'malformed', reason: '400 Bad Request' } : ACCEPTED
    outbox.take(...numberedSpans(1, 100))
    await outbox.clock.advance(1000)
    expect(outbox.sender.received.toSorted((a, b) => a - b)).toEqual(
      range(1, 100).filter(number => number !== 37),
    )
    expect(outbox.stats()).toMatchObject({ delivered: 99, waiting: 0, dropped: { malformed: 1, total: 1 } })
    expect(outbox.sender.requests.length).toBeLessThan(20)
    expect(outbox.lines[0]).toBe(
      'warn: Langfuse called span b000000000000025 of trace a0000000000000000000000000000025 malformed: 400 Bad Request',
    )
  })

  it('does not let the halves of a batch wait until there are enough spans again', async () => {
    const outbox = createTestOutbox({ minBatchSpans: 10, intervalMs: 600_000 })
    outbox.sender.answer = spans => (spans.includes(3) ? { outcome: 'malformed' } : ACCEPTED)
    outbox.take(...numberedSpans(1, 10))
    await outbox.clock.advance(1000)
    expect(outbox.stats()).toMatchObject({ delivered: 9, waiting: 0 })
  })

  it('stops giving spans up where every one is called malformed, and goes on when that ends', async () => {
    const outbox = createTestOutbox({ refusedCoolDownMs: 1000 })
    let broken = true
    outbox.sender.answer = () => (broken ? { outcome: 'malformed', reason: '400 from a proxy' } : ACCEPTED)
    outbox.take(...numberedSpans(1, 200))
    for (let second = 0; second < 60; second++) await outbox.clock.advance(1000)
    expect(outbox.stats().dropped).toMatchObject({ malformed: 20, total: 20 })
    broken = false
    await outbox.clock.advance(5000)
    expect(outbox.stats()).toMatchObject({ delivered: 180, waiting: 0 })
    expect(outbox.unaccounted()).toBe(0)
  })

  it('splits a batch that is too large until it fits, and remembers the limit', async () => {
    const outbox = createTestOutbox()
    const limit = 100 * 1024
    const sizes: number[] = []
    const { send } = outbox.sender
    outbox.sender.send = (body, options) => {
      sizes.push(body.length)
      return body.length > limit ? Promise.resolve({ outcome: 'too_large' }) : send(body, options)
    }
    const wide = { text: 'x'.repeat(30_000) }
    outbox.take(
      ...numberedSpans(1, 8, wide),
      numberedSpan(9, { text: 'x'.repeat(200_000) }),
      ...numberedSpans(10, 20, wide),
    )
    await outbox.clock.advance(1000)
    expect(outbox.sender.received.toSorted((a, b) => a - b)).toEqual(range(1, 20))
    expect(outbox.stats().dropped.total).toBe(0)
    const before = sizes.length
    outbox.take(...numberedSpans(21, 40, wide))
    await outbox.clock.advance(1000)
    expect(sizes.slice(before).filter(size => size > 256 * 1024)).toEqual([])
    expect(outbox.stats()).toMatchObject({ delivered: 40, waiting: 0 })
  })

  it('counts what a partial success rejected and does not send it again', async () => {
    const outbox = createTestOutbox()
    outbox.sender.answer = () => ({ outcome: 'accepted', rejectedSpans: 4, reason: 'too old' })
    outbox.take(...numberedSpans(1, 10))
    await outbox.clock.advance(10_000)
    expect(outbox.sender.requests).toHaveLength(1)
    expect(outbox.stats()).toMatchObject({ delivered: 6, dropped: { rejected: 4, total: 4 } })
    expect(outbox.lines).toContain('warn: Langfuse rejected 4 spans of a request: too old')
  })

  it('stops on refused keys, says so once, keeps the spans and goes on by itself', async () => {
    const outbox = createTestOutbox({ refusedCoolDownMs: 60_000 })
    const at: number[] = []
    let valid = false
    outbox.sender.answer = () => {
      at.push(outbox.clock.now())
      return valid
        ? ACCEPTED
        : { outcome: 'refused', reason: '401 Unauthorized for Basic cGstbGYtMTpzay1sZi0y' }
    }
    outbox.take(...numberedSpans(1, 3))
    await outbox.clock.advance(130_000)
    expect(at).toEqual([100, 60_100, 120_100])
    expect(outbox.health().status).toBe('degraded')
    valid = true
    await outbox.clock.advance(60_000)
    expect(outbox.sender.received).toEqual([1, 2, 3])
    expect(outbox.lines).toEqual([
      'error: Langfuse refuses what is sent (401 Unauthorized for Basic [redacted]): 3 spans waiting in memory. Check keys ' +
        'and address; sending resumes by itself once a probe, sent every 60 s, is accepted',
      'info: Langfuse reachable again after 180 s: 3 spans waiting in memory',
    ])
  })
})

describe('bounds', () => {
  it('drops the oldest when memory is full, and the counter is the difference exactly', async () => {
    const outbox = createTestOutbox({ maxBytes: 256 * 1024, breaker: { failures: 1 } })
    let down = true
    outbox.sender.answer = () => (down ? REFUSED_CONNECTION : ACCEPTED)
    outbox.take(numberedSpan(1))
    await outbox.clock.advance(100)
    for (let number = 2; number <= 2000; number++) outbox.take(numberedSpan(number, big))
    const { dropped, memoryBytes } = outbox.stats()
    expect(memoryBytes).toBeLessThanOrEqual(256 * 1024)
    expect(dropped.memory_full).toBeGreaterThan(1700)
    down = false
    await outbox.clock.advance(10_000)
    await outbox.flush()
    expect(outbox.sender.received).toHaveLength(2000 - dropped.memory_full)
    expect(outbox.sender.received.toSorted((a, b) => a - b)).toEqual(range(dropped.memory_full + 1, 2000))
    expect(outbox.lines.filter(line => line.includes('lost so far'))).toHaveLength(1)
  })

  it('bounds spans not yet encoded as well', async () => {
    const outbox = createTestOutbox({ maxBytes: 1024 * 1024, clock: undefined })
    outbox.take(...numberedSpans(1, 20_000, big))
    expect(outbox.stats().memoryBytes).toBeLessThanOrEqual(1024 * 1024)
    const { delivered } = await outbox.flush()
    const { dropped } = outbox.stats()
    expect(dropped.memory_full).toBeGreaterThan(0)
    expect(delivered + dropped.total).toBe(20_000)
    expect(outbox.sender.received).toHaveLength(delivered)
  })

  it('drops a span that is too large even without its texts and one that cannot be encoded, and keeps the others', async () => {
    const outbox = createTestOutbox({ maxBytes: 1024 * 1024 })
    const manySmallTexts = Object.fromEntries(range(1, 100).map(key => [`key ${key}`, 'x'.repeat(2000)]))
    outbox.take(numberedSpan(1), numberedSpan(2, manySmallTexts), {
      ...numberedSpan(3),
      status: undefined as never,
    })
    outbox.take(numberedSpan(4))
    await outbox.clock.advance(100)
    expect(outbox.sender.received).toEqual([1, 4])
    expect(outbox.stats()).toMatchObject({ waiting: 0, dropped: { too_large: 1, unencodable: 1, total: 2 } })
  })
})

describe('flush and close', () => {
  it('resolve with what was delivered', async () => {
    const outbox = createTestOutbox({ minBatchSpans: 100, intervalMs: 60_000 })
    outbox.take(...numberedSpans(1, 3))
    await expect(outbox.flush()).resolves.toEqual({ delivered: 3, spooled: 0, dropped: 0, waiting: 0 })
    outbox.take(numberedSpan(4))
    await expect(outbox.close()).resolves.toEqual({ delivered: 1, spooled: 0, dropped: 0, waiting: 0 })
    await expect(outbox.close()).resolves.toEqual({ delivered: 1, spooled: 0, dropped: 0, waiting: 0 })
    await expect(outbox.flush()).resolves.toEqual({ delivered: 0, spooled: 0, dropped: 0, waiting: 0 })
  })

  it('resolve at the deadline with what remained', async () => {
    const outbox = createTestOutbox()
    outbox.sender.answer = () => new Promise(() => undefined)
    outbox.take(...numberedSpans(1, 3))
    const flushed = outbox.flush({ timeoutMs: 500 })
    await outbox.clock.advance(500)
    await expect(flushed).resolves.toEqual({ delivered: 0, spooled: 0, dropped: 0, waiting: 3 })
    const closed = outbox.close({ timeoutMs: 500 })
    await outbox.clock.advance(500)
    await expect(closed).resolves.toEqual({ delivered: 0, spooled: 0, dropped: 3, waiting: 0 })
    expect(outbox.stats()).toMatchObject({ waiting: 0, inFlight: 0, dropped: { closed: 3 } })
    expect(outbox.unaccounted()).toBe(0)
  })

  it('does not wait for spans that come in after it', async () => {
    const outbox = createTestOutbox({ maxBatchSpans: 1, maxInFlight: 1 })
    outbox.sender.answer = ([number]) => (number! > 2 ? new Promise(() => undefined) : ACCEPTED)
    outbox.take(...numberedSpans(1, 2))
    const flushed = outbox.flush()
    outbox.take(numberedSpan(3))
    await expect(flushed).resolves.toMatchObject({ delivered: 2, waiting: 0 })
  })

  it('tries at once what waits for a failure to pass', async () => {
    const outbox = createTestOutbox({ breaker: { failures: 1, coolDownMs: 60_000 } })
    outbox.sender.answer = (_spans, request) => (request === 1 ? REFUSED_CONNECTION : ACCEPTED)
    outbox.take(numberedSpan(1))
    await outbox.clock.advance(2000)
    expect(outbox.stats().breaker.state).toBe('open')
    await expect(outbox.flush()).resolves.toMatchObject({ delivered: 1 })
  })

  it('never reject, even as OpenTelemetry calls them', async () => {
    const outbox = createTestOutbox({ clock: undefined, flushTimeoutMs: 20 })
    outbox.sender.answer = () => new Error('down')
    outbox.take(numberedSpan(1))
    await expect(outbox.forceFlush()).resolves.toBeUndefined()
    await expect(outbox.shutdown()).resolves.toBeUndefined()
    await expect(outbox.shutdown()).resolves.toBeUndefined()
  })
})

describe('options', () => {
  it('are checked at start-up, with code, value and remedy', () => {
    expect(() => createTestOutbox({ maxBytes: 5 })).toThrow(
      'maxBytes must be a number of at least 65536, got 5 (LANGFUSE_MIDDLEWARE_INVALID_OPTION)',
    )
    expect(() => createTestOutbox({ intervalMs: Number.NaN })).toThrow(/intervalMs must be/)
  })

  it.each([
    [{ spool: { directory: '' } }, 'spool.directory must be the path of a directory, got ""'],
    [{ spool: {} }, 'spool.directory must be the path of a directory, got undefined'],
    [{ spool: '/tmp' }, 'spool must be an object, got "/tmp"'],
    [
      { spool: { directory: '/tmp/x', fsync: 'always' } },
      'spool.fsync must be one of interval, batch, never',
    ],
    [{ spool: { directory: '/tmp/x', maxByte: 1 } }, 'spool has no "maxByte", did you mean "maxBytes"?'],
    [{ breaker: { failure: 3 } }, 'breaker has no "failure", did you mean "failures"?'],
    [{ breaker: { failures: 0 } }, 'breaker.failures must be an integer of at least 1, got 0'],
    [{ breaker: { failures: 2.5 } }, 'breaker.failures must be an integer of at least 1, got 2.5'],
    [{ backoff: { maxMs: 'long' } }, 'backoff.maxMs must be between 0 and 2147483647, got "long"'],
    [{ maxInFlight: 0 }, 'maxInFlight must be an integer of at least 1, got 0'],
    [{ sender: undefined }, 'sender must be a sender, such as createLangfuseSender() returns, got undefined'],
    [{ sender: {} }, 'sender must be a sender, such as createLangfuseSender() returns, got an object'],
    [{ logger: { info() {} } }, 'logger must be an object with the methods info, warn and error'],
    [{ linger: 5 }, 'options has no "linger", did you mean "lingerMs"?'],
    [null, 'options must be an object, got null'],
  ] as [object | null, string][])('throw with the full path for %j', (options, message) => {
    expect(() =>
      createOutbox(
        (options && { sender: { identity: 'test', send: async () => ACCEPTED }, ...options }) as never,
      ),
    ).toThrow(message)
  })
})
