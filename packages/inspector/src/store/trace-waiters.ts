import { InspectorError } from '../basics/inspector-error.ts'
import type { Trace } from '../reading/trace.ts'

/** What picks a trace: its id, its name, or a test of your own. */
export type TraceMatch = string | ((trace: Trace) => boolean)

/** Promises of traces that have not settled yet. */
export interface TraceWaiters {
  wait(match: TraceMatch, timeoutMs: number, arrived: () => Trace[]): Promise<Trace>
  offer(trace: Trace): void
  close(): void
}

/** Creates an empty list of waiters. */
export function createTraceWaiters(): TraceWaiters {
  const offers = new Set<(trace: Trace) => void>()
  const closings = new Set<() => void>()

  return {
    wait(match, timeoutMs, arrived) {
      const matches =
        typeof match === 'function' ? match : ({ id, name }: Trace) => id === match || name === match
      return new Promise((resolve, reject) => {
        const fail = (why: string): void => {
          stop()
          reject(new InspectorError('LANGFUSE_MIDDLEWARE_NO_TRACE', `${why}; ${describe(arrived())}`))
        }
        const offer = (trace: Trace): void => {
          try {
            if (!matches(trace)) return
            stop()
            resolve(trace)
          } catch (error) {
            stop()
            reject(error)
          }
        }
        const close = (): void => fail('The inspector closed before a matching trace settled')
        const timer = setTimeout(() => fail(`No matching trace settled within ${timeoutMs} ms`), timeoutMs)
        const stop = (): void => {
          clearTimeout(timer)
          offers.delete(offer)
          closings.delete(close)
        }
        offers.add(offer)
        closings.add(close)
        for (const trace of arrived()) if (trace.settled) offer(trace)
      })
    },
    offer(trace) {
      for (const offer of [...offers]) offer(trace)
    },
    close() {
      for (const close of [...closings]) close()
    },
  }
}

function describe(traces: Trace[]): string {
  if (traces.length === 0) return 'no spans arrived'
  const shown = traces
    .slice(-10)
    .map(({ name, settled }) => JSON.stringify(name) + (settled ? '' : ' (not settled)'))
  return `${traces.length} traces arrived: ${shown.join(', ')}`
}
