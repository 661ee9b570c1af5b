import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { SpoolFiles } from './options.ts'

/** Ranges of sequence numbers with records not settled, both ends included; everything outside is settled. */
export type Unsettled = [from: number, to: number][]

const FILE = 'cursor'
const EVERYTHING: Unsettled = [[0, Number.MAX_SAFE_INTEGER]]

/** Reads what is not settled in a directory; where that is not known, it is everything. */
export async function readCursor(files: SpoolFiles, directory: string): Promise<Unsettled> {
  try {
    const text = (await files.readFile(join(directory, FILE))).toString('utf8')
    const end = text.indexOf('\n')
    const ranges = text.slice(end + 1)
    return Number.parseInt(text.slice(0, end), 16) === crc32(ranges) ? JSON.parse(ranges) : EVERYTHING
  } catch {
    return EVERYTHING
  }
}

/** Replaces the cursor of a directory at one stroke. */
export async function writeCursor(files: SpoolFiles, directory: string, unsettled: Unsettled): Promise<void> {
  const ranges = JSON.stringify(unsettled)
  const draft = join(directory, `${FILE}.new`)
  await files.writeFile(draft, `${crc32(ranges).toString(16)}\n${ranges}`)
  await files.rename(draft, join(directory, FILE))
}
