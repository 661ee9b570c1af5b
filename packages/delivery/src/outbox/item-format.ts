import type { EncodedRecord, RecordBuilder } from '../wire/record-builder.ts'
import type { ResolvedOutboxOptions } from './options.ts'

/** All that an outbox knows of what it carries. Bodies of one format may be joined end to end. */
export interface ItemFormat<Item> {
  /** What log lines call an item. */
  readonly noun: string
  createBuilder(outbox: ResolvedOutboxOptions): RecordBuilder<Item>
  /** Cuts a record in two with half of the items each, or returns `undefined` where there is but one. */
  split(record: EncodedRecord): [EncodedRecord, EncodedRecord] | undefined
  /** The first item of a body, for a log line. */
  nameFirst(body: Uint8Array): string
}
