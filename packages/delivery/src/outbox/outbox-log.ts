import { createLog } from '../basics/logger.ts'
import { countOf, grouped } from '../basics/quantity.ts'
import { DROP_CAUSES, type DropCause, type Ledger } from '../queue/ledger.ts'
import type { SpoolEvents } from '../spool/events.ts'
import type { ResolvedOutboxOptions } from './options.ts'
import type { PacingEvents } from './pacing.ts'
import type { SettlementEvents } from './settlement.ts'

/** Every log line of an outbox, in one place. */
export interface OutboxLog extends PacingEvents, SettlementEvents, SpoolEvents {
  discardFailed(reason: string): void
  /** Reports the losses that were not reported yet. */
  close(): void
}

const REPEAT_AFTER_MS = 60_000

/** Creates the log of an outbox, which also reports every loss that `ledger` counts. */
export function createOutboxLog(outbox: ResolvedOutboxOptions, noun: string, ledger: Ledger): OutboxLog {
  const { name, spool } = outbox
  const reporter = createLog(outbox.logger, {
    secrets: outbox.secrets,
    now: outbox.clock.now,
    repeatAfterMs: REPEAT_AFTER_MS,
  })
  const directory = spool?.directory
  const causes: Record<DropCause, string> = {
    memory_full: `more than ${size(outbox.maxBytes)} waited in memory`,
    spool_full: `more than ${size(spool?.maxBytes ?? 0)} waited in ${directory}`,
    spool_corrupt: `files in ${directory} are damaged`,
    spool_lost: `files in ${directory} were removed, or taken over by another process, which delivers them`,
    too_large: `a single ${noun} was too large`,
    malformed: `${name} called them malformed`,
    rejected: `${name} accepted the request without them`,
    retries_exhausted: `${name} failed on them ${outbox.maxAttempts} times while it accepted others`,
    unencodable: 'they could not be encoded',
    closed: 'the process ended before they were delivered',
  }
  const losses = createLossReport(outbox, ledger, cause =>
    reporter.warn(`${countOf(ledger.dropped[cause], noun)} lost so far: ${causes[cause]}`),
  )

  return {
    opened: reason =>
      reporter.warn(
        `${name} unreachable (${reason}): ${waiting()}; next try in ${seconds(outbox.breaker.coolDownMs)}`,
      ),
    closed: downMs => reporter.info(`${name} reachable again after ${seconds(downMs)}: ${waiting()}`),
    refused: reason =>
      reporter.error(
        `${name} refuses what is sent (${reason}): ${waiting()}. Check keys and address; sending resumes by itself once a ` +
          `probe, sent every ${seconds(outbox.refusedCoolDownMs)}, is accepted`,
      ),
    malformed: (reason, item) =>
      reporter.warnOnce('malformed item', () => `${name} called ${item} malformed: ${reason}`),
    exhausted: (reason, item) =>
      reporter.warnOnce('failing item', () => `${name} failed on ${item} each time: ${reason}`),
    shrunk: item =>
      reporter.warnOnce(
        'shrunk',
        () => `${item} was too large: its long texts are cut, and it is sent again`,
      ),
    rejected: (spans, reason) =>
      reporter.warnOnce('partial', () => `${name} rejected ${countOf(spans, noun)} of a request: ${reason}`),
    discardFailed: reason =>
      reporter.warnOnce(
        'discard failed',
        () => `the dead-letter queue cannot be written (${reason}): retrying every second`,
      ),
    spoolFailed: code =>
      reporter.warn(
        `${directory} cannot be written (${code}): ${noun}s are kept in memory only, at most ${size(outbox.maxBytes)}, ` +
          'and a crash would lose them',
      ),
    spoolRecovered: () => reporter.info(`${directory} can be written again`),
    adopted: spans =>
      reporter.info(`${countOf(spans, noun)} taken over from ${directory}, left by an earlier process`),
    close: losses.close,
  }

  function waiting(): string {
    if (spool === undefined) return `${countOf(ledger.waiting, noun)} waiting in memory`
    const inMemory = ledger.waiting > 0 ? `, ${countOf(ledger.waiting, noun)} in memory only` : ''
    return `${countOf(ledger.spooled, noun)} spooled to ${directory}${inMemory}`
  }
}

/** Reports the first loss of a cause at once, then the new total once a minute, and the last one at the end. */
function createLossReport(
  { clock }: ResolvedOutboxOptions,
  ledger: Ledger,
  report: (cause: DropCause) => void,
) {
  const reported = new Map<DropCause, number>()
  const waiting = new Set<DropCause>()

  ledger.onDrop(cause => {
    if (waiting.has(cause)) return
    reportNow(cause)
    waiting.add(cause)
    clock.after(REPEAT_AFTER_MS, () => {
      waiting.delete(cause)
      reportNow(cause)
    })
  })

  return {
    close(): void {
      for (const cause of DROP_CAUSES) reportNow(cause)
    },
  }

  function reportNow(cause: DropCause): void {
    if ((reported.get(cause) ?? 0) === ledger.dropped[cause]) return
    reported.set(cause, ledger.dropped[cause])
    report(cause)
  }
}

function seconds(ms: number): string {
  return `${grouped(ms < 10_000 ? ms / 1000 : Math.round(ms / 1000))} s`
}

function size(bytes: number): string {
  return `${grouped(bytes / 2 ** 20)} MiB`
}
