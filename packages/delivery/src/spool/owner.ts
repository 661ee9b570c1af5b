import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** Who a directory belongs to, as its name says it. */
export interface Owner {
  pid: number
  /** When the process started, in the kernel's count, or `0` where that is not known. */
  start: string
  /** Machine, boot and process namespace: where a process id means something. */
  host: string
}

const RELEASED = 'released'
const NAME = /^(\d+)-(\d+)-([0-9a-f]{8})-[0-9a-f]{8}$/

/** This process. */
export function thisOwner(): Owner {
  const place = [
    hostname(),
    attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    attempt(() => readlinkSync('/proc/self/ns/pid')),
  ]
  const host = createHash('sha256').update(place.join('\n')).digest('hex').slice(0, 8)
  return { pid: process.pid, start: startOf(process.pid) ?? '0', host }
}

/** A new directory name of an owner, or of nobody, so that anyone may take it over. */
export function directoryName(owner: Owner | undefined): string {
  const unique = randomBytes(4).toString('hex')
  return owner === undefined ? `${RELEASED}-${unique}` : `${owner.pid}-${owner.start}-${owner.host}-${unique}`
}

/**
 * Says by a directory's name whether its owner is gone. `unsure` means that only signs of life can tell: the owner is on
 * another machine, in another container, or on a system that does not say when a process started.
 */
export function livenessOf(name: string, self: Owner): 'alive' | 'dead' | 'unsure' | 'not_a_spool' {
  if (name.startsWith(`${RELEASED}-`)) return 'dead'
  const match = NAME.exec(name)
  if (match === null) return 'not_a_spool'
  const [, pid, start, host] = match
  if (host !== self.host) return 'unsure'
  if (!exists(Number(pid))) return 'dead'
  const running = startOf(Number(pid))
  if (running === undefined || start === '0') return Number(pid) === self.pid ? 'alive' : 'unsure'
  return running === start ? 'alive' : 'dead'
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The 22nd field of `/proc/<pid>/stat`; the second may hold blanks and brackets. */
function startOf(pid: number): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
