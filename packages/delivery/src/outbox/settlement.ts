import type { Ledger } from '../queue/ledger.ts'
import type { Entry } from '../queue/queue.ts'
import type { SendResult } from '../senders/sender.ts'
import type { ItemFormat } from './item-format.ts'
import type { Lane } from './lane.ts'
import type { Pacing } from './pacing.ts'

/** What is worth a log line. */
export interface SettlementEvents {
  malformed(reason: string, item: string): void
  rejected(spans: number, reason: string): void
}

export interface SettlementOptions {
  maxAttempts: number
  format: Pick<ItemFormat<never>, 'split' | 'nameFirst'>
  pacing: Pacing
  ledger: Ledger
  events: SettlementEvents
  /** Takes over an entry that would be dropped. @default drops and settles it */
  discard?: ((entry: Entry, cause: DiscardCause, reason: string) => void) | undefined
}

/** Reasons for dropping an entry because of its content. */
export type DiscardCause = 'too_large' | 'malformed' | 'retries_exhausted'

/** Decides by an answer what becomes of the entries that were sent: settled, or given back to their lane. */
export interface Settlement {
  settle(entries: readonly Entry[], lane: Lane, result: SendResult): void
  /** Requests whose spans had to be sent again. */
  readonly retries: number
}

/** So many single spans in a row called malformed, and it is not the spans. */
const MALFORMED_IN_A_ROW = 20

/** Creates a settlement. */
export function createSettlement(options: SettlementOptions): Settlement {
  const { maxAttempts, format, pacing, ledger, events } = options
  let malformedInARow = 0
  let groups = 0
  let retries = 0

  return {
    get retries() {
      return retries
    },
    settle(entries, lane, result) {
      switch (result.outcome) {
        case 'accepted':
          malformedInARow = 0
          pacing.accepted()
          accept(entries, result)
          break
        case 'throttled':
          pacing.throttled(result)
          again(entries, lane, 'first')
          break
        case 'unreachable':
          pacing.failed(result, bytesOf(entries))
          again(entries, lane, 'first')
          break
        case 'too_large':
          pacing.tooLarge(bytesOf(entries))
          if (!halve(entries, lane)) drop(entries[0]!, 'too_large', result)
          break
        case 'malformed':
          malformed(entries, lane, result)
          break
        case 'refused':
          pacing.refused(result)
          again(entries, lane, 'first')
          break
        default:
          pacing.failed(result, bytesOf(entries))
          retryBounded(entries, lane, result)
      }
    },
  }

  function accept(entries: readonly Entry[], result: SendResult): void {
    let rejected = Math.max(0, result.rejectedSpans ?? 0)
    if (rejected > 0) events.rejected(rejected, result.reason ?? 'partial success')
    for (const entry of entries) {
      const lost = Math.min(rejected, entry.spans)
      rejected -= lost
      ledger.deliver(entry, entry.spans - lost)
      ledger.drop(entry, 'rejected', lost)
      entry.place?.settle(entry)
    }
  }

  function drop(entry: Entry, cause: DiscardCause, result: SendResult): void {
    if (options.discard !== undefined) {
      options.discard(entry, cause, result.reason ?? result.outcome)
      return
    }
    ledger.drop(entry, cause)
    entry.place?.settle(entry)
  }

  function again(entries: readonly Entry[], lane: Lane, where: 'first' | 'last'): void {
    retries += 1
    lane.giveBack(entries, where)
  }

  /** What failed before goes last and alone, so that a body that always fails neither blocks nor condemns others. */
  function retryBounded(entries: readonly Entry[], lane: Lane, result: SendResult): void {
    const left: Entry[] = []
    for (const entry of entries) {
      entry.attempts += 1
      if (entry.attempts < maxAttempts) left.push(entry)
      else drop(entry, 'retries_exhausted', result)
    }
    if (left.length > 0) again(left, lane, 'last')
  }

  function malformed(entries: readonly Entry[], lane: Lane, result: SendResult): void {
    const doubtful = malformedInARow >= MALFORMED_IN_A_ROW
    if (doubtful) pacing.refused(result)
    else pacing.reached()
    if (halve(entries, lane)) return
    if (doubtful) {
      again(entries, lane, 'last')
      return
    }
    malformedInARow += 1
    events.malformed(result.reason ?? result.outcome, format.nameFirst(entries[0]!.body))
    drop(entries[0]!, 'malformed', result)
  }

  /** Gives back two halves that are to be sent apart. Returns false where there is but one span. */
  function halve(entries: readonly Entry[], lane: Lane): boolean {
    const pieces = entries.length > 1 ? entries : cutEntry(entries[0]!, format)
    if (pieces === undefined) return false
    const middle = pieces.length >> 1
    groups += 2
    for (const [index, piece] of pieces.entries()) piece.group = index < middle ? groups - 1 : groups
    again(pieces, lane, 'first')
    return true
  }
}

/** Cuts an entry in two with half of its items each, or returns `undefined` if it has only one. */
export function cutEntry(entry: Entry, format: Pick<ItemFormat<never>, 'split'>): Entry[] | undefined {
  const pieces = format.split(entry)?.map(piece => ({ ...entry, ...piece }))
  if (pieces === undefined) return undefined
  for (const piece of pieces) entry.place?.holdings.add(piece)
  entry.place?.holdings.delete(entry)
  return pieces
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((total, entry) => total + entry.body.length, 0)
}
