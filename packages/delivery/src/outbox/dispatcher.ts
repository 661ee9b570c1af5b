import type { Clock } from '../basics/clock.ts'
import { withGetters } from '../basics/with-getters.ts'
import type { Entry } from '../queue/queue.ts'
import type { Sender, SendResult } from '../senders/sender.ts'
import type { Breaker } from './breaker.ts'
import type { Lane } from './lane.ts'
import type { Pacing } from './pacing.ts'
import type { Settlement } from './settlement.ts'

export interface DispatcherOptions {
  sender: Sender
  maxInFlight: number
  maxBatchSpans: number
  lanes: readonly Lane[]
  breaker: Breaker
  pacing: Pacing
  settlement: Settlement
  clock: Clock
}

/** Sends entries, several requests at once. */
export interface Dispatcher {
  /** Sends what may be sent now and sees to it that it is called again in time. */
  pump(): void
  /** Requests under way. */
  readonly inFlight: number
  /** Bytes of their bodies. */
  readonly bytes: number
  /** Requests made. */
  readonly requests: number
  /** Sends no more, calls off what is under way and gives it back. */
  close(): void
}

interface Request {
  lane: Lane
  entries: readonly Entry[]
}

const SENDING_MS = 2

/** Creates a dispatcher. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { sender, maxInFlight, lanes, breaker, pacing, settlement, clock } = options
  const underWay = new Map<AbortController, Request>()
  let wake: { at: number; cancel: () => void } | undefined
  let scheduled = false
  let closed = false
  let turn = 0
  let requests = 0
  let bytes = 0

  return withGetters({
    pump,
    get inFlight() {
      return underWay.size
    },
    get bytes() {
      return bytes
    },
    get requests() {
      return requests
    },
    close() {
      closed = true
      wake?.cancel()
      for (const [controller, { lane, entries }] of underWay) {
        lane.giveBack(entries, 'first')
        controller.abort()
      }
      underWay.clear()
    },
  })

  /** Sends for as long as other work may wait, and nothing on the stack of who hands in spans. */
  function pump(): void {
    if (scheduled || closed) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      if (closed) return
      const until = clock.now() + SENDING_MS
      while (underWay.size < maxInFlight && sendOne()) if (clock.now() >= until) return pump()
    })
  }

  /** Whether there was something to send. */
  function sendOne(): boolean {
    const now = clock.now()
    const open = lanes.filter(hasRoom)
    const readyAt = Math.max(pacing.readyAt(), Math.min(...open.map(lane => lane.readyAt())))
    if (readyAt > now) {
      wakeAt(readyAt)
      return false
    }
    if (!breaker.acquire(now)) return false
    // Lanes take turns, so that neither starves the other.
    turn += 1
    const ready = open.filter(lane => lane.readyAt() <= now)
    const lane = ready[turn % ready.length]!
    const entries = lane.take({ bytes: pacing.batchBytes, spans: options.maxBatchSpans })
    if (entries.length === 0) {
      breaker.release()
      return false
    }
    void send(entries, lane)
    return true
  }

  function hasRoom(lane: Lane): boolean {
    let load = 0
    for (const request of underWay.values()) if (request.lane === lane) load += 1
    return load < lane.maxInFlight
  }

  function wakeAt(at: number): void {
    if (wake !== undefined && wake.at <= at) return
    wake?.cancel()
    wake = undefined
    if (at === Number.POSITIVE_INFINITY) return
    const cancel = clock.after(Math.max(0, Math.ceil(at - clock.now())), () => {
      wake = undefined
      pump()
    })
    wake = { at, cancel }
  }

  async function send(entries: readonly Entry[], lane: Lane): Promise<void> {
    const body = entries.length === 1 ? entries[0]!.body : Buffer.concat(entries.map(entry => entry.body))
    const spans = entries.reduce((total, entry) => total + entry.spans, 0)
    const controller = new AbortController()
    underWay.set(controller, { lane, entries })
    requests += 1
    bytes += body.length
    let result: SendResult
    try {
      result = await sender.send(body, { signal: controller.signal, spans })
    } catch (error) {
      result = { outcome: 'unreachable', reason: error instanceof Error ? error.message : String(error) }
    }
    bytes -= body.length
    if (!underWay.delete(controller)) return
    settlement.settle(entries, lane, result)
    pump()
  }
}
