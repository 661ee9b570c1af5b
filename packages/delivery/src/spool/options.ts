import files from 'node:fs/promises'
import { resolve } from 'node:path'
import { invalidOption } from '../basics/start-up-error.ts'

/**
 * When what was written is made to survive a crash of the machine; a crash of the process alone loses nothing written:
 * - `batch`: before anything of a write is sent or reported as spooled;
 * - `interval`: once a second;
 * - `never`: when the operating system sees fit.
 */
export type Fsync = 'interval' | 'batch' | 'never'

export interface SpoolOptions {
  /** Where to keep the files. Several processes may share it. */
  directory: string
  /** Most bytes on disk for this process; the oldest give way. @default 1073741824 (1 GiB) */
  maxBytes?: number | undefined
  /** When written data is forced to the disk. @default 'interval' */
  fsync?: Fsync | undefined
  /** How long a span may wait to be written together with others. @default 20 */
  writeDelayMs?: number | undefined
  /** Bytes at which a new file is begun. @default 4194304 (4 MiB), less where `maxBytes` is small */
  segmentBytes?: number | undefined
  /** How fast what lies on disk is sent again, in bytes per second. @default 8388608 (8 MiB) */
  replayBytesPerSecond?: number | undefined
  /** How often the directory is searched for what dead processes left. @default 10000 */
  adoptIntervalMs?: number | undefined
  /** File operations, for tests. @default node:fs/promises */
  files?: Partial<SpoolFiles> | undefined
}

/** The file operations that the spool uses. */
export type SpoolFiles = Pick<
  typeof import('node:fs/promises'),
  | 'mkdir'
  | 'open'
  | 'readdir'
  | 'readFile'
  | 'rename'
  | 'rm'
  | 'rmdir'
  | 'stat'
  | 'unlink'
  | 'utimes'
  | 'writeFile'
>

export interface ResolvedSpoolOptions {
  readonly directory: string
  readonly maxBytes: number
  readonly fsync: Fsync
  readonly writeDelayMs: number
  readonly segmentBytes: number
  readonly replayBytesPerSecond: number
  readonly adoptIntervalMs: number
  readonly files: SpoolFiles
}

type Check = (name: string, value: number | undefined, least: number, byDefault: number) => number

const MIB = 1024 * 1024

/** Checks the options of a spool and fills in what is absent. */
export function resolveSpoolOptions(options: SpoolOptions, atLeast: Check): ResolvedSpoolOptions {
  const { directory, fsync = 'interval' } = options
  if (typeof directory !== 'string' || directory === '') {
    throw invalidOption('spool.directory', 'the path of a directory', directory)
  }
  if (!['interval', 'batch', 'never'].includes(fsync)) {
    throw invalidOption('spool.fsync', "'interval', 'batch' or 'never'", fsync)
  }
  const maxBytes = atLeast('spool.maxBytes', options.maxBytes, 64 * 1024, 1024 * MIB)
  return Object.freeze({
    directory: resolve(directory),
    maxBytes,
    fsync,
    writeDelayMs: atLeast('spool.writeDelayMs', options.writeDelayMs, 0, 20),
    segmentBytes: Math.min(
      atLeast('spool.segmentBytes', options.segmentBytes, 1024, 4 * MIB),
      Math.floor(maxBytes / 8),
    ),
    replayBytesPerSecond: atLeast('spool.replayBytesPerSecond', options.replayBytesPerSecond, 1, 8 * MIB),
    adoptIntervalMs: atLeast('spool.adoptIntervalMs', options.adoptIntervalMs, 1, 10_000),
    files: { ...files, ...options.files },
  })
}
