import type { Consumer } from '../contract/message-queue.ts'
import type { Progress } from '../monitoring/stats.ts'

/** Measures how far a worker is, now and then, because asking the queue takes a request. */
export interface WorkerProgress {
  start(): void
  stop(): void
  figures(): Progress
}

const EVERY_MS = 2_000

/** Creates the measurement. */
export function createWorkerProgress({
  consumer,
  delivered,
}: {
  consumer: Consumer
  delivered: () => number
}): WorkerProgress {
  let timer: NodeJS.Timeout | undefined
  let lag: number | undefined
  let last = { at: performance.now(), delivered: 0 }
  let deliveredPerSecond = 0

  return {
    start() {
      timer = setInterval(() => void measure(), EVERY_MS)
      timer.unref()
    },
    stop() {
      clearInterval(timer)
    },
    figures: () => ({ lag, deliveredPerSecond }),
  }

  async function measure(): Promise<void> {
    const now = { at: performance.now(), delivered: delivered() }
    deliveredPerSecond = Math.round(((now.delivered - last.delivered) * 1000) / (now.at - last.at))
    last = now
    lag = await consumer.lag().catch(() => undefined)
  }
}
