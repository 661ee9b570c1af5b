import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { createOutbox, type Outbox, type OutboxOptions } from '../../src/index.ts'
import { createManualClock, type ManualClock } from './manual-clock.ts'
import { createScriptedSender, type ScriptedSender } from './scripted-sender.ts'

export interface TestOutbox extends Outbox {
  sender: ScriptedSender
  clock: ManualClock
  /** Log lines as `level: message`. */
  lines: string[]
  /** Hands in spans. */
  take(...spans: ReadableSpan[]): void
  /** `accepted + adopted` less every place where spans can be: 0 unless one was lost or counted twice. */
  unaccounted(): number
}

/** Creates an outbox over a scripted destination, a manual clock and no chance. */
export function createTestOutbox(options: Partial<OutboxOptions> = {}): TestOutbox {
  const sender = createScriptedSender()
  const clock = createManualClock()
  const lines: string[] = []
  const outbox = createOutbox({
    sender,
    clock,
    random: () => 0,
    logger: {
      info: message => lines.push(`info: ${message}`),
      warn: message => lines.push(`warn: ${message}`),
      error: message => lines.push(`error: ${message}`),
    },
    ...options,
  })
  return {
    ...outbox,
    sender,
    clock,
    lines,
    take: (...spans) => outbox.export(spans, () => undefined),
    unaccounted() {
      const { accepted, adopted, delivered, dropped, waiting, spooled } = outbox.stats()
      return accepted + adopted - delivered - dropped.total - waiting - spooled
    },
  }
}
