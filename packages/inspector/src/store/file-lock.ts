import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

const newline = 10

/** Creates the file and its folder if needed and locks it for this process; throws if another process has it. */
export function lockFile(path: string): { size: number; release(): void } {
  const lock = `${path}.lock`
  prepareFolder(dirname(path))
  if (existsSync(lock)) {
    const owner = Number(readFileSync(lock, 'utf8'))
    if (owner !== process.pid && isRunning(owner)) throw new Error(`process ${owner} is using ${path}`)
    rmSync(lock, { force: true })
  }
  writeFileSync(lock, String(process.pid), { flag: 'wx', mode: 0o600 })
  return { size: endLastLine(path), release: () => rmSync(lock, { force: true }) }
}

/** Creates a folder, and keeps a folder named `.langfuse` out of Git: traces contain what users wrote. */
function prepareFolder(folder: string): void {
  mkdirSync(folder, { recursive: true })
  if (basename(folder) !== '.langfuse') return
  const ignore = join(folder, '.gitignore')
  if (!existsSync(ignore)) writeFileSync(ignore, '*\n')
}

/** Ends a line that a crash cut off, so that the next one stays readable; returns the size of the file. */
function endLastLine(path: string): number {
  const file = openSync(path, 'a+', 0o600)
  try {
    const { size } = fstatSync(file)
    const last = Buffer.alloc(1)
    if (size === 0 || readSync(file, last, 0, 1, size - 1) !== 1 || last[0] === newline) return size
    writeFileSync(file, '\n')
    return size + 1
  } finally {
    closeSync(file)
  }
}

function isRunning(processId: number): boolean {
  try {
    return Number.isInteger(processId) && processId > 0 && process.kill(processId, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
