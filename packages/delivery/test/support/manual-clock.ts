import type { Clock } from '../../src/basics/clock.ts'

/** A clock that moves only when told to. */
export interface ManualClock extends Clock {
  /** Moves time on, running in order what falls due, with a turn of the event loop after each. */
  advance(ms: number): Promise<void>
}

/** Creates a clock that starts at 0. */
export function createManualClock(): ManualClock {
  const timers = new Set<{ at: number; run: () => void }>()
  let now = 0

  return {
    now: () => now,
    after(delayMs, run) {
      const timer = { at: now + delayMs, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    async advance(ms) {
      const end = now + ms
      await turns()
      for (;;) {
        const [next] = [...timers].filter(timer => timer.at <= end).sort((a, b) => a.at - b.at)
        if (next === undefined) break
        timers.delete(next)
        now = Math.max(now, next.at)
        next.run()
        await turns()
      }
      now = end
    },
  }
}

/** Lets everything that is ready run. */
export async function turns(): Promise<void> {
  for (let count = 0; count < 40; count++) await new Promise(resolve => setImmediate(resolve))
}
