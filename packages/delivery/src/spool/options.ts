import files from 'node:fs/promises'
import { resolve } from 'node:path'
import { atLeast, invalid, isRecord, milliseconds, oneOf, text } from '../basics/checks.ts'
import { type OptionSource, type OptionTable, resolveTable } from '../basics/option-table.ts'

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

const MIB = 1024 * 1024

const directoryPath = text('the path of a directory')

/** Every option of a spool. */
export const SPOOL_OPTIONS: OptionTable<SpoolOptions, ResolvedSpoolOptions> = {
  directory: { check: (path, value) => resolve(directoryPath(path, value)) },
  maxBytes: { check: atLeast(64 * 1024), default: 1024 * MIB },
  fsync: { check: oneOf<Fsync>('interval', 'batch', 'never'), default: 'interval' },
  writeDelayMs: { check: milliseconds(0), default: 20 },
  segmentBytes: { check: atLeast(1024), default: 4 * MIB },
  replayBytesPerSecond: { check: atLeast(1), default: 8 * MIB },
  adoptIntervalMs: { check: milliseconds(1), default: 10_000 },
  files: {
    check: (path, value) =>
      isRecord(value) ? { ...files, ...value } : invalid(path, 'an object of file operations', value),
    default: files,
  },
}

/** Checks the options of a spool and fills in what is absent. */
export function resolveSpoolOptions(path: string, options: unknown): ResolvedSpoolOptions {
  const checked = resolveTable<SpoolOptions, ResolvedSpoolOptions, OptionSource>(path, options, SPOOL_OPTIONS)
  return Object.freeze({
    ...checked,
    segmentBytes: Math.min(checked.segmentBytes, Math.floor(checked.maxBytes / 8)),
  })
}
