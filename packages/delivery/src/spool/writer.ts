import { closeSync, openSync, writeSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Entry } from '../queue/queue.ts'
import { exactCopy } from '../wire/byte-sink.ts'
import { syncDirectory } from './directories.ts'
import type { ResolvedSpoolOptions } from './options.ts'
import { HEADER_BYTES, recordHeader } from './record-format.ts'
import type { Segment } from './segment.ts'

/** Where records were written: the first has this index, the others follow. */
export interface Written {
  segment: Segment
  index: number
}

/** Appends records to segment files. Its methods must not overlap, except `sync` and `writeNow`. */
export interface SegmentWriter {
  /** The file being written. */
  readonly segment: Segment | undefined
  /** Writes records, all or none. */
  write(records: readonly Entry[]): Promise<Written>
  /** Writes records into a file of their own, without waiting. Throws if that fails. */
  writeNow(path: string, records: readonly Entry[]): void
  /** Forces what is written to disk. */
  sync(): Promise<void>
  /** Ends the present file. */
  end(): Promise<void>
}

/** Code of the error that a file is no longer where it was made. */
export const MOVED = 'SPOOL_MOVED'

/** Creates a writer that takes a new file from `next` whenever it needs one. */
export function createSegmentWriter(
  options: ResolvedSpoolOptions,
  next: () => Promise<Segment>,
): SegmentWriter {
  const { files, fsync, segmentBytes } = options
  let segment: Segment | undefined
  let handle: FileHandle | undefined
  let sequence = 0
  let isDirty = false
  let isNew = false

  return {
    get segment() {
      return segment
    },
    async write(records) {
      if (segment === undefined || segment.bytes >= segmentBytes) await begin()
      const first = reserve(records)
      try {
        await append(encode(records, first))
        await checkPath()
      } catch (error) {
        // Half a record at the end does no harm, but what follows must go elsewhere.
        await end()
        throw error
      }
      const written = segment!
      let index = -1
      for (const [position, { body, spans, order }] of records.entries()) {
        const record = {
          sequence: first + position,
          spans,
          order,
          offset: written.bytes,
          length: body.length,
        }
        const added = written.add(record)
        if (position === 0) index = added
        written.bytes += HEADER_BYTES + body.length
      }
      return { segment: written, index }
    },
    writeNow(path, records) {
      const bytes = encode(records, reserve(records))
      const file = openSync(path, 'wx', 0o600)
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
      } finally {
        closeSync(file)
      }
    },
    sync,
    end,
  }

  function reserve(records: readonly Entry[]): number {
    const first = sequence + 1
    sequence += records.length
    return first
  }

  async function begin(): Promise<void> {
    await end()
    const fresh = await next()
    handle = await files.open(fresh.path, 'wx', 0o600)
    segment = fresh
    isNew = true
    if (fsync === 'batch') await syncName()
  }

  async function append(bytes: Buffer): Promise<void> {
    isDirty = true
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await handle!.write(bytes, at, bytes.length - at, segment!.bytes + at)
      at += bytesWritten
    }
    if (fsync === 'batch') await sync()
  }

  /** The file may have been removed, or taken over while this process was frozen: what is written to it then is lost, or another's. */
  async function checkPath(): Promise<void> {
    const [here, there] = await Promise.all([handle!.stat(), files.stat(segment!.path)])
    if (here.ino === there.ino) return
    throw Object.assign(new Error('the file was moved'), { code: MOVED })
  }

  async function sync(): Promise<void> {
    if (handle === undefined) return
    if (isNew) await syncName()
    if (!isDirty) return
    isDirty = false
    try {
      await handle.datasync()
    } catch (error) {
      isDirty = true
      throw error
    }
  }

  /** A new file's name must survive a crash of the machine as well. */
  async function syncName(): Promise<void> {
    isNew = false
    await syncDirectory(dirname(segment!.path))
  }

  async function end(): Promise<void> {
    const ended = handle
    if (fsync !== 'never') await sync().catch(() => undefined)
    handle = undefined
    segment = undefined
    isDirty = false
    await ended?.close().catch(() => undefined)
  }
}

function encode(records: readonly Entry[], first: number): Buffer {
  return exactCopy(
    records.flatMap(({ body, spans }, index) => [recordHeader(first + index, body, spans), body]),
  )
}
