import type { Ledger } from '../queue/ledger.ts'
import { type Entry, finishEntry } from '../queue/queue.ts'
import type { SendResult } from '../senders/sender.ts'
import type { ItemFormat } from './item-format.ts'
import type { Lane, LaneRequest } from './lane.ts'
import type { Pacing } from './pacing.ts'
import { cutInHalves, replaceEntry, toGroups } from './pieces.ts'
import type { SuspectLane } from './suspect-lane.ts'

/** Consequences for single spans, for log lines. */
export interface SettlementEvents {
  malformed(reason: string, item: string): void
  /** An item was dropped because it failed repeatedly while others were accepted. */
  exhausted(reason: string, item: string): void
  /** An item was too large and is sent again with shortened texts. */
  shrunk(item: string): void
  rejected(spans: number, reason: string): void
}

export interface SettlementOptions {
  maxAttempts: number
  format: ItemFormat<never>
  pacing: Pacing
  suspects: SuspectLane
  ledger: Ledger
  events: SettlementEvents
  /** Takes over an entry that would be dropped. @default drops it and discards its copy on disk */
  discard?: ((entry: Entry, cause: DiscardCause, reason: string) => void) | undefined
}

/** Reasons for dropping an entry because of its content. */
export type DiscardCause = 'too_large' | 'malformed' | 'retries_exhausted'

/** Decides by the result of an attempt whether its entries are delivered, dropped or sent again. */
export interface Settlement {
  settle(request: LaneRequest, result: SendResult): void
  /** Requests whose spans had to be sent again. */
  readonly retries: number
}

/** If this many single spans in a row are called malformed, the spans are not the reason. */
const MALFORMED_IN_A_ROW = 20
/** Failed attempts after which an entry is sent last and alone. */
const SUSPECT_AFTER = 3

/** Creates a settlement. */
export function createSettlement(options: SettlementOptions): Settlement {
  const { maxAttempts, format, pacing, suspects, ledger, events } = options
  let malformedInARow = 0
  let retries = 0

  return {
    get retries() {
      return retries
    },
    settle(request, result) {
      const { lane, entries } = request
      switch (result.outcome) {
        case 'accepted':
          malformedInARow = 0
          pacing.accepted()
          return accept(request, result)
        case 'throttled':
          pacing.throttled(result)
          return again(entries, lane)
        case 'unreachable':
          pacing.failed(result, bytesOf(entries))
          return again(entries, lane)
        case 'too_large':
          return tooLarge(request, result)
        case 'malformed':
          return malformed(request, result)
        default:
          return fail(request, result)
      }
    },
  }

  function accept({ entries }: LaneRequest, result: SendResult): void {
    const retryItems = new Set(result.retryItems)
    let rejected = Math.max(0, result.rejectedSpans ?? 0)
    let start = 0
    if (rejected > 0) events.rejected(rejected, result.reason ?? 'partial success')
    for (const entry of entries) {
      const from = start
      start += entry.spans
      const later = retryItems.size === 0 ? undefined : format.select?.(entry, i => retryItems.has(from + i))
      const stored = entry.spans - (later?.spans ?? 0)
      const lost = Math.min(rejected, stored)
      rejected -= lost
      ledger.deliver(entry, stored - lost)
      ledger.drop(entry, 'rejected', lost)
      if (later === undefined) finishEntry(entry)
      else failAlone(replaceEntry(entry, [later])[0]!, result)
    }
  }

  /** Treats a timeout, a reset, a 5xx or a refusal as an outage unless something else was accepted meanwhile. */
  function fail(request: LaneRequest, result: SendResult): void {
    const { lane, entries, acceptedBefore, isProbe } = request
    const accepted = pacing.acceptedRequests
    const isLone = entries.every(entry => accepted > (entry.acceptedBefore ?? acceptedBefore))
    for (const entry of entries) {
      entry.acceptedBefore = accepted
      entry.failures += 1
    }
    if (lane.isSuspect && isLone) return failAlone(entries[0]!, result)
    if (result.outcome === 'refused') pacing.refused(result)
    else pacing.failed(result, bytesOf(entries))
    // The next probe must be another body: this one may be the only one that fails.
    const isSuspect = isProbe || entries.some(entry => entry.failures >= SUSPECT_AFTER)
    again(entries, isSuspect ? suspects : lane)
  }

  /** Handles an entry that failed by itself while others were accepted: narrows it down to one span, and drops that in the end. */
  function failAlone(entry: Entry, result: SendResult): void {
    const halves = cutInHalves(entry, format)
    if (halves !== undefined) {
      // That others were accepted tells as much about the halves: the one that fails is halved at once.
      for (const half of halves) half.acceptedBefore = pacing.acceptedRequests - 1
      return again(halves, suspects)
    }
    entry.loneFailures += 1
    if (entry.loneFailures < maxAttempts) return again([entry], suspects)
    events.exhausted(result.reason ?? result.outcome, format.nameFirst(entry.body))
    drop(entry, 'retries_exhausted', result)
  }

  function tooLarge({ lane, entries }: LaneRequest, result: SendResult): void {
    const [only] = entries
    if (entries.length > 1 || only!.spans > 1) pacing.tooLarge(bytesOf(entries))
    else pacing.reached()
    const pieces = halves(entries)
    if (pieces !== undefined) return again(pieces, lane)
    const smaller = only!.shrunk ? undefined : format.shrink?.(only!.body)
    if (smaller === undefined) return drop(only!, 'too_large', result)
    events.shrunk(`${format.nameFirst(only!.body)} (${result.reason ?? result.outcome})`)
    const [piece] = replaceEntry(only!, [{ body: smaller, spans: 1 }])
    piece!.shrunk = true
    again([piece!], lane)
  }

  function malformed({ lane, entries }: LaneRequest, result: SendResult): void {
    const isDoubtful = malformedInARow >= MALFORMED_IN_A_ROW
    if (isDoubtful) pacing.refused(result)
    else pacing.reached()
    const pieces = halves(entries)
    if (pieces !== undefined) return again(pieces, lane)
    if (isDoubtful) return again(entries, suspects)
    malformedInARow += 1
    events.malformed(result.reason ?? result.outcome, format.nameFirst(entries[0]!.body))
    drop(entries[0]!, 'malformed', result)
  }

  /** Two halves to be sent apart, or `undefined` for a single span. */
  function halves(entries: readonly Entry[]): readonly Entry[] | undefined {
    const pieces = entries.length > 1 ? entries : cutInHalves(entries[0]!, format)
    return pieces && toGroups(pieces)
  }

  function drop(entry: Entry, cause: DiscardCause, result: SendResult): void {
    if (options.discard !== undefined) {
      options.discard(entry, cause, result.reason ?? result.outcome)
      return
    }
    ledger.drop(entry, cause)
    finishEntry(entry)
  }

  function again(entries: readonly Entry[], lane: Lane): void {
    retries += 1
    lane.giveBack(entries)
  }
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((total, entry) => total + entry.body.length, 0)
}
