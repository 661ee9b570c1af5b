import type { EncodedRecord, RecordBuilder } from '../wire/record-builder.ts'
import type { ResolvedOutboxOptions } from './options.ts'

/** Everything an outbox knows about what it carries. Bodies of one format may be joined end to end. */
export interface ItemFormat<Item> {
  /** What log lines call an item. */
  readonly noun: string
  createBuilder(outbox: ResolvedOutboxOptions): RecordBuilder<Item>
  /** Cuts a record in two with half of the items each, or returns `undefined` for a single item. */
  split(record: EncodedRecord): [EncodedRecord, EncodedRecord] | undefined
  /** The items of a record whose index is `wanted`, or `undefined` if there are none. */
  select?(record: EncodedRecord, wanted: (index: number) => boolean): EncodedRecord | undefined
  /** The body of a single item with its long texts shortened, or `undefined` if there are none. */
  shrink?(body: Uint8Array): Uint8Array | undefined
  /** The first item of a body, for a log line. */
  nameFirst(body: Uint8Array): string
}
