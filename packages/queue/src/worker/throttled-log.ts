const EVERY_MS = 30_000
const MOST_CAUSES = 100

/** Lets each line through once in a while, so that an outage does not fill the log. Digits do not make a line another. */
export function throttledLog(write: (message: string) => void): (message: string) => void {
  const lastAt = new Map<string, number>()

  return message => {
    const cause = message.replace(/\d+/g, '0')
    const now = performance.now()
    if (now - (lastAt.get(cause) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) return
    if (lastAt.size >= MOST_CAUSES) lastAt.clear()
    lastAt.set(cause, now)
    write(message)
  }
}
