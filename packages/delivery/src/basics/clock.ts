/** Where time comes from, so that tests need not wait for it. */
export interface Clock {
  /** Milliseconds on a clock that never goes back. */
  now(): number
  /** Runs `run` once after `delayMs` and returns the way to call it off. The process stays alive for it only where `hold` is true. */
  after(delayMs: number, run: () => void, hold?: boolean): () => void
}

const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The real time. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, run, hold = false) {
    const timer = setTimeout(run, Math.min(delayMs, LONGEST_TIMER_MS))
    if (!hold) timer.unref()
    return () => clearTimeout(timer)
  },
}
