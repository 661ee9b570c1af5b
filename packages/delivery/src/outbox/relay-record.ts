import type { EncodedRecord } from '../wire/record-builder.ts'

/** A record that somebody else keeps until it is settled. */
export interface RelayRecord extends EncodedRecord {
  /** Called once, when everything in it is delivered or discarded. */
  settle(): void
}
