import { ExportResultCode } from '@opentelemetry/core'
import { createFanOut } from '../src/index.ts'
import { numberedSpan, numberedSpans, range } from './support/numbered-spans.ts'
import { createTestOutbox } from './support/test-outbox.ts'

describe('a fan-out', () => {
  it('gives the same spans to every outbox, and the outage of one touches no other', async () => {
    const healthy = createTestOutbox()
    const broken = createTestOutbox({ name: 'mirror', breaker: { failures: 1 } })
    broken.sender.answer = () => new Error('down')
    const fanOut = createFanOut([broken, healthy])
    const results: number[] = []
    for (const number of range(1, 5)) fanOut.export([numberedSpan(number)], ({ code }) => results.push(code))
    await healthy.clock.advance(1000)
    await broken.clock.advance(1000)
    expect(results).toEqual(Array.from({ length: 5 }, () => ExportResultCode.SUCCESS))
    expect(healthy.sender.received).toEqual(range(1, 5))
    expect(healthy.stats().breaker.state).toBe('closed')
    expect(broken.stats()).toMatchObject({ waiting: 5, delivered: 0, breaker: { state: 'open' } })
  })

  it('flushes and closes them all, and fails once they are closed', async () => {
    const outboxes = [createTestOutbox(), createTestOutbox()]
    const fanOut = createFanOut(outboxes)
    fanOut.export(numberedSpans(1, 2), () => undefined)
    await fanOut.forceFlush!()
    expect(outboxes.map(({ sender }) => sender.received)).toEqual([
      [1, 2],
      [1, 2],
    ])
    await fanOut.shutdown()
    const results: number[] = []
    fanOut.export([numberedSpan(3)], ({ code }) => results.push(code))
    expect(results).toEqual([ExportResultCode.FAILED])
  })
})
