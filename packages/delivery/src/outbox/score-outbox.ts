import { withGetters } from '../basics/with-getters.ts'
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
  let lines: Buffer[] = []
  let bytes = 0

  return withGetters({
    get spans() {
      return lines.length
    },
    get bytes() {
      return bytes
    },
    add(event) {
      const line = Buffer.from(`${JSON.stringify(event)}\n`)
      if (line.length > maxBytes) return false
      lines.push(line)
      bytes += line.length
      return true
    },
    seal() {
      if (lines.length === 0) return undefined
      const record = { body: Buffer.concat(lines), spans: lines.length }
      lines = []
      bytes = 0
      return record
    },
  })
}

function splitLines({ body, spans }: EncodedRecord): [EncodedRecord, EncodedRecord] | undefined {
  if (spans < 2) return undefined
  const middle = spans >> 1
  let end = 0
  for (let line = 0; line < middle; line++) end = body.indexOf(NEW_LINE, end) + 1
  return [
    { body: body.subarray(0, end), spans: middle },
    { body: body.subarray(end), spans: spans - middle },
  ]
}

function firstEvent(body: Uint8Array): ScoreEvent {
  return JSON.parse(Buffer.from(body.subarray(0, body.indexOf(NEW_LINE))).toString('utf8'))
}
