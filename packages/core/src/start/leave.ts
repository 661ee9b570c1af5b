import cluster from 'node:cluster'
import { settlesWithin } from '../basics/deadline.ts'
import type { Log } from '../basics/logger.ts'
import { seenServers } from '../http/seen-servers.ts'
import { drainAll } from './server-drain.ts'

export interface Leaving {
  readonly timeoutMs: number
  readonly log: Log
  /** Sends what has ended, within a deadline. */
  flush(timeoutMs: number): Promise<unknown>
  /** The work that goes on after responses; undefined if there is none. */
  workAfterResponses(): Promise<unknown> | undefined
  /** Ends the requests that are still open. */
  abandonOpen(): void
  /** A number that rises with everything that is handed to delivery. */
  handedIn(): number
}

/** Share of a deadline that is kept for sending, however long requests take. */
const SENDING_SHARE = 1 / 3

/** How long requests in flight may take, so that there is time left to send them. */
export function drainTime(timeoutMs: number): number {
  return timeoutMs * (1 - SENDING_SHARE)
}

/** Says that requests were cut off by the end of the process. */
export function warnOfOpenRequests(log: Log, afterMs: number): void {
  log.warnOnce(
    'drain timeout',
    `requests were still in flight after ${Math.round(afterMs)} ms and are recorded as aborted`,
  )
}

/** Lets the requests in flight finish and sends everything, within a deadline. Tracing goes on until the process ends. */
export async function leave(leaving: Leaving): Promise<void> {
  const { timeoutMs, log, flush, handedIn } = leaving
  const until = performance.now() + timeoutMs
  const left = () => Math.max(until - performance.now(), 0)
  const drained = Promise.all([drainAll(seenServers()), workersGone()])
  if (!(await settlesWithin(drained, drainTime(timeoutMs)))) warnOfOpenRequests(log, drainTime(timeoutMs))
  const work = leaving.workAfterResponses()
  if (work !== undefined) await settlesWithin(work, left() / 2)
  leaving.abandonOpen()
  let sent: number
  do {
    sent = handedIn()
    await flush(left())
    // What ended during the flush is sent as well.
  } while (handedIn() > sent && left() > 0)
}

/** Asks the workers of a cluster to finish: they die unfinished with the process that started them. */
async function workersGone(): Promise<void> {
  const workers = Object.values(cluster.workers ?? {})
  await Promise.all(
    workers.map(
      worker =>
        new Promise<void>(resolve => {
          if (worker === undefined || worker.isDead()) return resolve()
          worker.once('exit', () => resolve())
          worker.disconnect()
        }),
    ),
  )
}
