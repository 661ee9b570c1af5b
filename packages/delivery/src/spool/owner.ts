import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { threadId } from 'node:worker_threads'

/** The owner of a directory, which is part of the directory's name. */
export interface Owner {
  pid: number
  /** 0 for the main thread. */
  thread: number
  /** When the process started, in the kernel's count, or `0` if that is not known. */
  start: string
  /** Machine, boot and process namespace, within which a process id is unique. */
  host: string
}

const RELEASED = 'released'
const NAME = /^(\d+)(?:\.(\d+))?-(\d+)-([0-9a-f]{8})-[0-9a-f]{8}$/

/** This process. */
export function thisOwner(): Owner {
  const place = [
    hostname(),
    attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    attempt(() => readlinkSync('/proc/self/ns/pid')),
  ]
  const host = createHash('sha256').update(place.join('\n')).digest('hex').slice(0, 8)
  return { pid: process.pid, thread: threadId, start: startOf(process.pid) ?? '0', host }
}

/** A new directory name of an owner, or of nobody, so that any process may take it over. */
export function directoryName(owner: Owner | undefined): string {
  const unique = randomBytes(4).toString('hex')
  if (owner === undefined) return `${RELEASED}-${unique}`
  const { pid, thread, start, host } = owner
  return `${pid}${thread === 0 ? '' : `.${thread}`}-${start}-${host}-${unique}`
}

/**
 * Tells by a directory's name whether its owner is gone. `unsure` means that only signs of life can tell: the owner is on another machine,
 * in another container, a worker thread of a living process, or on a system that does not tell when a process started.
 */
export function livenessOf(name: string, self: Owner): 'alive' | 'dead' | 'unsure' | 'not_a_spool' {
  if (name.startsWith(`${RELEASED}-`)) return 'dead'
  const match = NAME.exec(name)
  if (match === null) return 'not_a_spool'
  const [, pid, thread, start, host] = match
  if (host !== self.host) return 'unsure'
  if (!exists(Number(pid))) return 'dead'
  const running = startOf(Number(pid))
  const isKnown = running !== undefined && start !== '0'
  if (isKnown && running !== start) return 'dead'
  if (thread !== undefined) return 'unsure'
  return isKnown || Number(pid) === self.pid ? 'alive' : 'unsure'
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The 22nd field of `/proc/<pid>/stat`; the second may contain blanks and brackets. */
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
