import { access, constants, readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { type Finding, findingsOf } from '../report/finding.ts'
import type { Check } from './check.ts'

const { ok, error, warning, skipped } = findingsOf('spool')
const LEAST_FREE_BYTES = 256 * 1024 * 1024
const OLD_MS = 3_600_000

/** Looks at what waits on disk. */
export const checkSpool: Check = async ({ spool }): Promise<Finding[]> => {
  if (spool === undefined) return [skipped('none named; --spool <directory> looks at one')]
  try {
    await access(spool, constants.R_OK | constants.W_OK)
  } catch (failure) {
    const { code } = failure as NodeJS.ErrnoException
    return [
      error(`${spool} cannot be used: ${code}`, 'create it, and give the user of the app the right to write'),
    ]
  }
  const files = (await readdir(spool, { recursive: true, withFileTypes: true })).filter(entry =>
    entry.isFile(),
  )
  const stats = await Promise.all(
    files.map(entry => stat(join(entry.parentPath, entry.name)).catch(() => undefined)),
  )
  const known = stats.filter(entry => entry !== undefined)
  const bytes = known.reduce((sum, { size }) => sum + size, 0)
  const oldest = Math.min(...known.filter(({ size }) => size > 0).map(({ mtimeMs }) => mtimeMs))
  const { bavail, bsize } = await statfs(spool)
  const findings = [ok(`${(bytes / 1_048_576).toFixed(1)} MiB in ${known.length} files`)]
  if (bavail * bsize < LEAST_FREE_BYTES)
    findings.push(
      warning(
        `${Math.round((bavail * bsize) / 1_048_576)} MiB left on its disk`,
        'make room: what does not fit is dropped and counted',
      ),
    )
  if (Date.now() - oldest > OLD_MS)
    findings.push(
      warning(
        `the oldest file was last written ${Math.round((Date.now() - oldest) / 60_000)} minutes ago`,
        'start the app, which sends what is there; stats() tells how much waits',
      ),
    )
  return findings
}
