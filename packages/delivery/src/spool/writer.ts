import type { FileHandle } from 'node:fs/promises'
import { open as openDirectory } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { EncodedRecord } from '../wire/record-builder.ts'
import type { ResolvedSpoolOptions } from './options.ts'
import { HEADER_BYTES, recordHeader } from './record-format.ts'
import type { Segment } from './segment.ts'

/** Appends records to segment files. Its methods must not overlap, except `sync`. */
export interface SegmentWriter {
  /** The file being written. */
  readonly segment: Segment | undefined
  /** Writes records, all or none, and returns where the first of them went: its segment and its number. */
  write(records: readonly EncodedRecord[]): Promise<{ segment: Segment; sequence: number }>
  /** Forces what is written to disk. */
  sync(): Promise<void>
  /** Ends the present file. */
  end(): Promise<void>
}

/** Creates a writer that takes a new file from `next` whenever it needs one. */
export function createSegmentWriter(
  options: ResolvedSpoolOptions,
  next: () => Promise<Segment>,
): SegmentWriter {
  const { files, fsync, segmentBytes } = options
  let segment: Segment | undefined
  let handle: FileHandle | undefined
  let sequence = 0
  let dirty = false

  return {
    get segment() {
      return segment
    },
    async write(records) {
      if (segment === undefined || segment.bytes >= segmentBytes) await begin()
      const first = sequence + 1
      const parts = records.flatMap(({ body, spans }, index) => [
        recordHeader(first + index, body, spans),
        body,
      ])
      try {
        await append(Buffer.concat(parts))
      } catch (error) {
        // Half a record at the end does no harm, but what follows had better go elsewhere.
        await end()
        throw error
      }
      sequence += records.length
      for (const [index, { body, spans }] of records.entries()) {
        segment!.add(first + index, spans)
        segment!.bytes += HEADER_BYTES + body.length
      }
      return { segment: segment!, sequence: first }
    },
    sync,
    end,
  }

  async function begin(): Promise<void> {
    await end()
    const fresh = await next()
    handle = await files.open(fresh.path, 'wx', 0o600)
    segment = fresh
    if (fsync === 'batch') await syncDirectory(dirname(fresh.path))
  }

  async function append(bytes: Buffer): Promise<void> {
    dirty = true
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await handle!.write(bytes, at, bytes.length - at, segment!.bytes + at)
      at += bytesWritten
    }
    if (fsync === 'batch') await sync()
  }

  async function sync(): Promise<void> {
    if (!dirty || handle === undefined) return
    dirty = false
    try {
      await handle.datasync()
    } catch (error) {
      dirty = true
      throw error
    }
  }

  async function end(): Promise<void> {
    const ended = handle
    handle = undefined
    segment = undefined
    if (fsync !== 'never' && dirty) await ended?.datasync().catch(() => undefined)
    dirty = false
    await ended?.close().catch(() => undefined)
  }
}

/** A new file's name must survive a crash of the machine as well; not every system can be asked for that. */
async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await openDirectory(path, 'r')
    await directory.sync().finally(() => directory.close())
  } catch {
    // Windows refuses; what can be done has been done.
  }
}
