import type { Clock } from '../basics/clock.ts'

/** Work that is repeated until it is stopped. */
export interface Chore {
  /** Stops it; resolves when the present run has ended. */
  stop(): Promise<void>
}

/** Runs `work` now and again `everyMs` after each run has ended. Its errors are ignored: the next run tries again. */
export function createChore(clock: Clock, everyMs: number, work: () => Promise<void>): Chore {
  let cancel = (): void => undefined
  let stopped = false
  let running = run()
  return {
    stop() {
      stopped = true
      cancel()
      return running
    },
  }

  async function run(): Promise<void> {
    await Promise.resolve()
    await work().catch(() => undefined)
    if (stopped) return
    cancel = clock.after(everyMs, () => {
      running = run()
    })
  }
}
