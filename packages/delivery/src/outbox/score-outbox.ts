import { withGetters } from '../basics/with-getters.ts'
import { exactCopy } from '../wire/byte-sink.ts'
import type { EncodedRecord, RecordBuilder } from '../wire/record-builder.ts'
import type { ItemFormat } from './item-format.ts'
import { createItemOutbox, type ItemOutbox } from './item-outbox.ts'
import type { OutboxOptions } from './options.ts'

/** A score on its way, as Langfuse's ingestion endpoint takes it; the same `body.id` again overwrites. */
export interface ScoreEvent {
  /** Of this event, not of the score. */
  id: string
  /** ISO 8601: of two events for one score, the later counts. */
  timestamp: string
  type: 'score-create'
  body: {
    id: string
    traceId: string
    name: string
    value: number | string
    dataType?: string | undefined
    comment?: string | undefined
    observationId?: string | undefined
    environment?: string | undefined
    metadata?: unknown
  }
}

export type ScoreOutboxOptions = Omit<OutboxOptions, 'mark' | 'resourceAttributes'>

const NEW_LINE = 0x0a

/** One event a line, which JSON never breaks: lines can be joined and cut apart without reading them. */
export const LINES: ItemFormat<ScoreEvent> = {
  noun: 'score',
  createBuilder: ({ maxSpanBytes }) => createLineBuilder(maxSpanBytes),
  split: splitLines,
  select: selectLines,
  nameFirst(body) {
    const { name, traceId } = firstEvent(body).body
    return `score ${JSON.stringify(name)} of trace ${traceId}`
  },
}

/** Creates an outbox of scores, the same as that of spans; its sender is one of `createLangfuseScoreSender`. */
export function createScoreOutbox(options: ScoreOutboxOptions): ItemOutbox<ScoreEvent> {
  return createItemOutbox(options, LINES)
}

function createLineBuilder(maxBytes: number): RecordBuilder<ScoreEvent> {
  let lines: string[] = []
  let bytes = 0

  return withGetters({
    get spans() {
      return lines.length
    },
    get bytes() {
      return bytes
    },
    add(event) {
      const line = `${JSON.stringify(event)}\n`
      const size = Buffer.byteLength(line)
      if (size > maxBytes) return false
      lines.push(line)
      bytes += size
      return true
    },
    seal() {
      if (lines.length === 0) return undefined
      const body = Buffer.allocUnsafeSlow(bytes)
      body.write(lines.join(''))
      const record = { body, spans: lines.length }
      lines = []
      bytes = 0
      return record
    },
  })
}

function splitLines(record: EncodedRecord): [EncodedRecord, EncodedRecord] | undefined {
  if (record.spans < 2) return undefined
  const middle = record.spans >> 1
  return [selectLines(record, index => index < middle)!, selectLines(record, index => index >= middle)!]
}

/** Copies the wanted lines, so that nothing keeps the others in memory. */
function selectLines({ body }: EncodedRecord, wanted: (index: number) => boolean): EncodedRecord | undefined {
  const lines: Uint8Array[] = []
  for (let start = 0, index = 0; start < body.length; index++) {
    const end = body.indexOf(NEW_LINE, start) + 1
    if (wanted(index)) lines.push(body.subarray(start, end))
    start = end
  }
  return lines.length === 0 ? undefined : { body: exactCopy(lines), spans: lines.length }
}

function firstEvent(body: Uint8Array): ScoreEvent {
  return JSON.parse(Buffer.from(body.subarray(0, body.indexOf(NEW_LINE))).toString('utf8'))
}
