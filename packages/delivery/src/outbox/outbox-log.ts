import { createLog } from '../basics/logger.ts'
import { countOf, grouped } from '../basics/quantity.ts'
import type { DropCause, Ledger } from '../queue/ledger.ts'
import type { SpoolEvents } from '../spool/spool.ts'
import type { ResolvedOutboxOptions } from './options.ts'
import type { PacingEvents } from './pacing.ts'
import type { SettlementEvents } from './settlement.ts'

/** Everything an outbox says, in one place. */
export interface OutboxLog extends PacingEvents, SettlementEvents, SpoolEvents {
  dropped(cause: DropCause, spans: number): void
  discardFailed(reason: string): void
}

const REPEAT_AFTER_MS = 60_000

/** Creates the log of an outbox. */
export function createOutboxLog(outbox: ResolvedOutboxOptions, noun: string, ledger: Ledger): OutboxLog {
  const { name, spool } = outbox
  const reporter = createLog(outbox.logger, {
    secrets: outbox.secrets,
    now: outbox.clock.now,
    repeatAfterMs: REPEAT_AFTER_MS,
  })
  const causes: Record<DropCause, string> = {
    memory_full: `more than ${size(outbox.maxBytes)} waited in memory`,
    spool_full: `more than ${size(spool?.maxBytes ?? 0)} waited in ${spool?.directory}`,
    spool_corrupt: `files in ${spool?.directory} were damaged`,
    too_large: `a single ${noun} was too large`,
    malformed: `${name} called them malformed`,
    rejected: `${name} accepted the request without them`,
    retries_exhausted: `${name} failed on them ${outbox.maxAttempts} times`,
    unencodable: 'they could not be encoded',
    closed: 'the process ended before they were delivered',
  }

  return {
    opened: reason =>
      reporter.warn(
        `${name} unreachable (${reason}): ${waiting()}; next try in ${seconds(outbox.breaker.coolDownMs)}`,
      ),
    closed: downMs => reporter.info(`${name} reachable again after ${seconds(downMs)}: ${waiting()}`),
    refused: reason =>
      reporter.error(
        `${name} refuses what is sent (${reason}): ${waiting()}. Check keys and address; sending goes on by itself once ` +
          `a probe, sent every ${seconds(outbox.refusedCoolDownMs)}, is accepted`,
      ),
    malformed: (reason, item) =>
      reporter.warnOnce('malformed item', () => `${name} called ${item} malformed: ${reason}`),
    rejected: (spans, reason) =>
      reporter.warnOnce('partial', () => `${name} rejected ${countOf(spans, noun)} of a request: ${reason}`),
    dropped: cause =>
      reporter.warnOnce(cause, () => `${countOf(ledger.dropped[cause], noun)} lost so far: ${causes[cause]}`),
    discardFailed: reason =>
      reporter.warnOnce(
        'discard failed',
        () => `the dead-letter queue cannot be written (${reason}): retrying every second`,
      ),
    spoolFailed: code =>
      reporter.warn(
        `${spool?.directory} cannot be written (${code}): ${noun}s are kept in memory only, at most ${size(outbox.maxBytes)}, ` +
          'and a crash would lose them',
      ),
    spoolRecovered: () => reporter.info(`${spool?.directory} can be written again`),
    adopted: spans =>
      reporter.info(
        `${countOf(spans, noun)} taken over from ${spool?.directory}, left by an earlier process`,
      ),
  }

  function waiting(): string {
    if (spool === undefined) return `${countOf(ledger.waiting, noun)} waiting in memory`
    const inMemory = ledger.waiting > 0 ? `, ${countOf(ledger.waiting, noun)} in memory only` : ''
    return `${countOf(ledger.spooled, noun)} spooled to ${spool.directory}${inMemory}`
  }
}

function seconds(ms: number): string {
  return `${grouped(ms < 10_000 ? ms / 1000 : Math.round(ms / 1000))} s`
}

function size(bytes: number): string {
  return `${grouped(bytes / 2 ** 20)} MiB`
}
