import { withGetters } from '../basics/with-getters.ts'
import type { DropCause } from '../queue/ledger.ts'
import type { EncodedRecord, RecordBuilder } from '../wire/record-builder.ts'
import { createItemList } from './item-list.ts'

/** Turns spans, or other items, into records, a little at a time. */
export interface Intake<Item = unknown> {
  /** Spans in the open record, plus those not yet encoded. */
  readonly spans: number
  /** Bytes of both, where a span not yet encoded counts as much as those before it. */
  readonly bytes: number
  /** Spans in the open record. */
  readonly encoded: number
  /** When the oldest of them arrived. */
  readonly since: number
  add(spans: readonly Item[]): void
  /** Closes the open record. */
  seal(): void
  /** Closes the open record: at once, or when what is put off is encoded, for which there is then a promise. */
  drain(): Promise<void> | undefined
  /** Gives up the oldest span not yet encoded, if there is one. */
  dropOldest(): boolean
}

export interface IntakeOptions<Item> {
  builder: RecordBuilder<Item>
  /** A record is closed when it has this many bytes. */
  recordBytes: number
  /** A record is closed when it has this many spans. */
  recordSpans: number
  /** Longest stretch of encoding before other work gets its turn: at least, and where the others' turns are long. */
  sliceMs: { least: number; most: number }
  now: () => number
  onRecord: (record: EncodedRecord, since: number) => void
  onDrop: (spans: number, cause: DropCause) => void
  /** Called when spans were put off and may have to be bounded. */
  onPutOff: () => void
  /** Called when no span is put off any more. */
  onCaughtUp: () => void
}

const CLOCK_EVERY = 32
// More than the requests of one turn hand in: what is put off lives longer and is collected later, half a microsecond for each span.
const WORK_AT_ONCE = 512
const FIRST_GUESS_BYTES = 1024
// Of the time since the last slice: where turns take 50 ms, as those of a busy server do, 2 ms in each do not keep up with what comes in.
const SHARE = 1 / 8

/** Creates an intake. */
export function createIntake<Item>(options: IntakeOptions<Item>): Intake<Item> {
  const { builder, now } = options
  const putOff = createItemList<Item>()
  let spanBytes = FIRST_GUESS_BYTES
  let work = 0
  let turnStart: number | undefined
  let sliceEnd = 0
  let since = 0
  let drained: (() => void)[] = []

  return withGetters({
    get spans() {
      return builder.spans + putOff.length
    },
    get bytes() {
      return builder.bytes + putOff.length * spanBytes
    },
    get encoded() {
      return builder.spans
    },
    get since() {
      return since
    },
    add(spans) {
      if (builder.spans === 0 && putOff.length === 0) since = now()
      for (let index = 0; index < spans.length; index++) {
        if (putOff.length > 0 || turnIsOver()) {
          if (putOff.length === 0) {
            sliceEnd = now()
            setImmediate(encodeSlice)
          }
          putOff.push(spans.slice(index))
          options.onPutOff()
          return
        }
        encode(spans[index]!)
      }
    },
    seal,
    drain() {
      if (putOff.length === 0) {
        seal()
        return undefined
      }
      return new Promise(resolve => {
        drained.push(resolve)
      })
    },
    dropOldest() {
      if (putOff.shift() === undefined) return false
      options.onDrop(1, 'memory_full')
      return true
    },
  })

  function encode(span: Item): void {
    const before = builder.bytes
    const failure = tryToAdd(span)
    if (failure !== undefined) {
      options.onDrop(1, failure)
      return
    }
    const bytes = builder.bytes - before
    spanBytes += (bytes - spanBytes) / 16
    work += 1 + (bytes >> 10)
    if (builder.bytes >= options.recordBytes || builder.spans >= options.recordSpans) seal()
  }

  function tryToAdd(span: Item): 'too_large' | 'unencodable' | undefined {
    try {
      return builder.add(span) ? undefined : 'too_large'
    } catch {
      return 'unencodable'
    }
  }

  function seal(): void {
    const record = builder.seal()
    if (record === undefined) return
    const startedAt = since
    since = now()
    options.onRecord(record, startedAt)
  }

  /** Looks at the clock only after some work: the turn of a busy server may be long with hardly any of it spent here. */
  function turnIsOver(): boolean {
    if (work < WORK_AT_ONCE) return false
    work = 0
    if (turnStart !== undefined) return now() - turnStart >= options.sliceMs.least
    turnStart = now()
    setImmediate(() => {
      turnStart = undefined
    })
    return false
  }

  function encodeSlice(): void {
    const start = now()
    const { least, most } = options.sliceMs
    const sliceMs = Math.min(Math.max((start - sliceEnd) * SHARE, least), most)
    work = 0
    for (let span = putOff.shift(); span !== undefined; span = putOff.shift()) {
      encode(span)
      if (work < CLOCK_EVERY) continue
      work = 0
      if (now() - start >= sliceMs) break
    }
    sliceEnd = now()
    if (putOff.length > 0) {
      setImmediate(encodeSlice)
      return
    }
    const resolvers = drained
    drained = []
    if (resolvers.length > 0) seal()
    for (const resolve of resolvers) resolve()
    options.onCaughtUp()
  }
}
