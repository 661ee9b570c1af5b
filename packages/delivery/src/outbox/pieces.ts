import type { Entry } from '../queue/queue.ts'
import type { EncodedRecord } from '../wire/record-builder.ts'
import type { ItemFormat } from './item-format.ts'

let groups = 0

/** Replaces an entry by pieces of it, which share its copy on disk. */
export function replaceEntry(entry: Entry, records: readonly EncodedRecord[]): Entry[] {
  const pieces = records.map(record => ({ ...entry, ...record }))
  for (const piece of pieces) entry.place?.holdings.add(piece)
  entry.place?.holdings.delete(entry)
  entry.isDone = true
  return pieces
}

/** Cuts an entry in two, or returns `undefined` if it is a single span. */
export function cutInHalves(entry: Entry, format: Pick<ItemFormat<never>, 'split'>): Entry[] | undefined {
  const halves = format.split(entry)
  return halves && replaceEntry(entry, halves)
}

/** Marks the first and the second half of a list so that they are not sent together. */
export function toGroups(entries: readonly Entry[]): readonly Entry[] {
  const middle = entries.length >> 1
  groups += 2
  for (const [index, entry] of entries.entries()) entry.group = index < middle ? groups - 1 : groups
  return entries
}
