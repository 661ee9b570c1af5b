import type { Clock } from '../basics/clock.ts'
import { withGetters } from '../basics/with-getters.ts'
import { sizeOfEntry } from '../queue/queue.ts'
import { type Sender, type SendResult, sendOnce } from '../senders/sender.ts'
import type { Breaker } from './breaker.ts'
import type { Lane, LaneRequest } from './lane.ts'
import type { Pacing } from './pacing.ts'
import type { Settlement } from './settlement.ts'

export interface DispatcherOptions {
  sender: Sender
  maxInFlight: number
  maxBatchSpans: number
  /** Memory that requests in flight may take together; one is always allowed. */
  maxInFlightBytes: number
  lanes: readonly Lane[]
  breaker: Breaker
  pacing: Pacing
  settlement: Settlement
  clock: Clock
  /** Called after each attempt. */
  settled: () => void
}

/** Sends entries, several requests at once. */
export interface Dispatcher {
  /** Sends what may be sent now, and arranges to be called again in time. */
  pump(): void
  /** Requests in flight. */
  readonly inFlight: number
  /** Memory that they take. */
  readonly bytes: number
  /** Requests made. */
  readonly requests: number
  /** Entries in flight. */
  entries(): LaneRequest['entries']
  /** Stops sending, aborts what is in flight and gives it back. */
  close(): void
}

const SENDING_MS = 2
/** A sender of the app's own may never settle. */
const LONGEST_ATTEMPT_MS = 120_000

/** Creates a dispatcher. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { maxInFlight, maxInFlightBytes, lanes, breaker, pacing, settlement, clock } = options
  const inFlight = new Map<AbortController, LaneRequest>()
  const wake = createWakeUp(clock, pump)
  let scheduled = false
  let closed = false
  let turn = 0
  let requests = 0
  let bytes = 0

  return withGetters({
    pump,
    get inFlight() {
      return inFlight.size
    },
    get bytes() {
      return bytes
    },
    get requests() {
      return requests
    },
    entries: () => [...inFlight.values()].flatMap(request => request.entries),
    close() {
      closed = true
      wake.cancel()
      for (const [controller, { lane, entries }] of inFlight) {
        lane.giveBack(entries)
        controller.abort()
      }
      inFlight.clear()
    },
  })

  /** Never sends on the stack of the caller, and leaves the event loop to others after a while. */
  function pump(): void {
    if (scheduled || closed) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      if (closed) return
      const until = clock.now() + SENDING_MS
      while (mayStart() && sendOne()) if (clock.now() >= until) return pump()
    })
  }

  function mayStart(): boolean {
    return inFlight.size === 0 || (inFlight.size < maxInFlight && bytes < maxInFlightBytes)
  }

  /** Returns true if there was something to send. */
  function sendOne(): boolean {
    const now = clock.now()
    const open = lanes.filter(hasRoom)
    const readyAt = Math.max(pacing.readyAt(), Math.min(...open.map(lane => lane.readyAt())))
    if (readyAt > now) {
      wake.at(readyAt)
      return false
    }
    if (!breaker.acquire(now)) return false
    const isProbe = breaker.state === 'half_open'
    const lane = choose(open, isProbe, now)
    const entries = lane?.take({ bytes: pacing.batchBytes, spans: options.maxBatchSpans }) ?? []
    if (lane === undefined || entries.length === 0) {
      breaker.release()
      return false
    }
    void send({ lane, entries, acceptedBefore: pacing.acceptedRequests, isProbe })
    return true
  }

  /** Lanes take turns, so that neither starves the other. */
  function choose(open: readonly Lane[], isProbe: boolean, now: number): Lane | undefined {
    const others = open.filter(lane => !lane.isSuspect && lane.readyAt() < Number.POSITIVE_INFINITY)
    const candidates = isProbe && others.length > 0 ? others : open
    const ready = candidates.filter(lane => lane.readyAt() <= now)
    turn += 1
    if (ready.length > 0) return ready[turn % ready.length]
    wake.at(Math.min(...candidates.map(lane => lane.readyAt())))
    return undefined
  }

  function hasRoom(lane: Lane): boolean {
    let load = 0
    for (const request of inFlight.values()) if (request.lane === lane) load += 1
    return load < lane.maxInFlight
  }

  async function send(request: LaneRequest): Promise<void> {
    const { entries } = request
    const body = entries.length === 1 ? entries[0]!.body : Buffer.concat(entries.map(entry => entry.body))
    const spans = entries.reduce((total, entry) => total + entry.spans, 0)
    // The entries, the joined body, and roughly what the socket keeps of it until it is written.
    const size = entries.reduce((total, entry) => total + sizeOfEntry(entry), 0) + body.length
    const controller = new AbortController()
    inFlight.set(controller, request)
    requests += 1
    bytes += size
    const result = await withDeadline(controller, options.sender, body, spans)
    bytes -= size
    if (!inFlight.delete(controller)) return
    settlement.settle(request, result)
    options.settled()
    pump()
  }

  function withDeadline(
    controller: AbortController,
    sender: Sender,
    body: Uint8Array,
    spans: number,
  ): Promise<SendResult> {
    return new Promise(resolve => {
      const cancel = clock.after(LONGEST_ATTEMPT_MS, () => {
        resolve({ outcome: 'failed', reason: 'the sender did not settle', timedOut: true })
        controller.abort()
      })
      void sendOnce(sender, body, { signal: controller.signal, spans }).then(result => {
        cancel()
        resolve(result)
      })
    })
  }
}

/** A timer that keeps only its earliest call. */
function createWakeUp(clock: Clock, run: () => void): { at(time: number): void; cancel(): void } {
  let next: { time: number; cancel: () => void } | undefined
  return {
    at(time) {
      if (next !== undefined && next.time <= time) return
      next?.cancel()
      next = undefined
      if (time === Number.POSITIVE_INFINITY) return
      const cancel = clock.after(Math.max(0, Math.ceil(time - clock.now())), () => {
        next = undefined
        run()
      })
      next = { time, cancel }
    },
    cancel: () => next?.cancel(),
  }
}
