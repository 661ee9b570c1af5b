import { withGetters } from '../basics/with-getters.ts'
import type { DropCause } from '../queue/ledger.ts'
import type { EncodedRecord, RecordBuilder } from '../wire/record-builder.ts'
import { createItemList } from './item-list.ts'

/** Turns spans, or other items, into records, in short slices of time. */
export interface Intake<Item = unknown> {
  /** Spans in the open record, plus those not yet encoded. */
  readonly spans: number
  /** Memory that both take; for a span not yet encoded an estimate. */
  readonly bytes: number
  /** Spans in the open record. */
  readonly encoded: number
  /** When the oldest of them arrived. */
  readonly since: number
  add(spans: readonly Item[]): void
  /** Closes the open record. */
  seal(): void
  /** Closes the open record: at once, or when the deferred spans are encoded, for which there is then a promise. */
  drain(): Promise<void> | undefined
  /** Encodes everything now and closes the open record. For the exit of a process. */
  finish(): void
  /** Drops the oldest span that is not yet encoded. Returns false if there is none. */
  dropOldest(): boolean
}

export interface IntakeOptions<Item> {
  builder: RecordBuilder<Item>
  /** A record is closed at this many bytes. */
  recordBytes: number
  /** A record is closed at this many spans. */
  recordSpans: number
  /** Longest time of encoding without a break: the least, and the most if the event loop is busy. */
  sliceMs: { least: number; most: number }
  now: () => number
  onRecord: (record: EncodedRecord, since: number) => void
  onDrop: (spans: number, cause: DropCause) => void
  /** Called when spans were deferred, so that memory may have to be bounded. */
  onDeferred: () => void
  /** Called when no span is deferred any more. */
  onCaughtUp: () => void
}

const CLOCK_EVERY = 32
// More than the requests of one tick hand in: a deferred span lives longer and is collected later, which costs half a microsecond.
const WORK_AT_ONCE = 512
const FIRST_GUESS_BYTES = 1024
// A span object takes this much more than its encoding: the span, its context, times, lists and its attributes' table.
const OBJECT_BYTES = 2048
// Share of the time since the last slice. If ticks take 50 ms, as on a busy server, 2 ms in each cannot keep up.
const SHARE = 1 / 8

/** Creates an intake. */
export function createIntake<Item>(options: IntakeOptions<Item>): Intake<Item> {
  const { now } = options
  const deferred = createItemList<Item>()
  const record = createOpenRecord(options)
  let work = 0
  let tickStart: number | undefined
  let sliceEnd = 0
  let drained: (() => void)[] = []

  return withGetters({
    get spans() {
      return record.spans + deferred.length
    },
    get bytes() {
      return record.bytes + deferred.length * (record.spanBytes + OBJECT_BYTES)
    },
    get encoded() {
      return record.spans
    },
    get since() {
      return record.since
    },
    add(spans) {
      if (record.spans === 0 && deferred.length === 0) record.since = now()
      for (let index = 0; index < spans.length; index++) {
        if (deferred.length > 0 || tickIsOver()) {
          defer(spans.slice(index))
          return
        }
        work += record.add(spans[index]!)
      }
    },
    seal: record.seal,
    drain() {
      if (deferred.length === 0) {
        record.seal()
        return undefined
      }
      return new Promise(resolve => {
        drained.push(resolve)
      })
    },
    finish() {
      encodeUntil(() => false)
      record.seal()
    },
    dropOldest() {
      if (deferred.shift() === undefined) return false
      options.onDrop(1, 'memory_full')
      return true
    },
  })

  function defer(spans: Item[]): void {
    if (deferred.length === 0) {
      sliceEnd = now()
      setImmediate(encodeSlice)
    }
    deferred.push(spans)
    options.onDeferred()
  }

  /** Looks at the clock only after some work: a tick of a busy server may be long with hardly any of it spent here. */
  function tickIsOver(): boolean {
    if (work < WORK_AT_ONCE) return false
    work = 0
    if (tickStart !== undefined) return now() - tickStart >= options.sliceMs.least
    tickStart = now()
    setImmediate(() => {
      tickStart = undefined
    })
    return false
  }

  function encodeSlice(): void {
    const start = now()
    const { least, most } = options.sliceMs
    const sliceMs = Math.min(Math.max((start - sliceEnd) * SHARE, least), most)
    encodeUntil(() => now() - start >= sliceMs)
    sliceEnd = now()
    if (deferred.length > 0) setImmediate(encodeSlice)
  }

  function encodeUntil(isOver: () => boolean): void {
    work = 0
    for (let span = deferred.shift(); span !== undefined; span = deferred.shift()) {
      work += record.add(span)
      if (work < CLOCK_EVERY) continue
      work = 0
      if (isOver()) break
    }
    if (deferred.length > 0) return
    const resolvers = drained
    drained = []
    if (resolvers.length > 0) record.seal()
    for (const resolve of resolvers) resolve()
    options.onCaughtUp()
  }
}

/** The record that spans are being added to. */
function createOpenRecord<Item>({ builder, now, ...options }: IntakeOptions<Item>) {
  let spanBytes = FIRST_GUESS_BYTES
  let since = 0

  return withGetters({
    get spans() {
      return builder.spans
    },
    get bytes() {
      return builder.bytes
    },
    /** Encoded size of a span, on average. */
    get spanBytes() {
      return spanBytes
    },
    get since() {
      return since
    },
    set since(time: number) {
      since = time
    },
    /** Encodes a span and returns a measure of the work. */
    add(span: Item): number {
      const before = builder.bytes
      const failure = tryToAdd(span)
      if (failure !== undefined) {
        options.onDrop(1, failure)
        return 1
      }
      const bytes = builder.bytes - before
      spanBytes += (bytes - spanBytes) / 16
      if (builder.bytes >= options.recordBytes || builder.spans >= options.recordSpans) seal()
      return 1 + (bytes >> 10)
    },
    seal,
  })

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
}
