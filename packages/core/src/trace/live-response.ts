import type { ServerResponse } from 'node:http'
import type { Log } from '../basics/logger.ts'
import type { CaptureOptions } from '../capture/capture-options.ts'
import { Exchange, isStreamed, type Said } from '../capture/exchange.ts'
import type { ObservationUpdate } from '../context/request-trace.ts'
import type { Outcome } from '../http/outcome.ts'
import type { ResponseHead } from '../http/response-head.ts'
import { exposeHeaders, type ReplyHeaders } from '../http/response-headers.ts'
import { type ResponseEnd, ResponseWatch, type ResponseWatcher } from '../http/response-watch.ts'
import type { AskedRequest, RequestState } from '../request/request-state.ts'

/** The response to a traced request: named in its head, captured where that is asked for, and watched until its end. */
export class LiveResponse implements ResponseWatcher {
  /** How it ended; undefined until then. */
  ended: ResponseEnd | undefined
  private readonly state: RequestState
  private readonly asked: AskedRequest
  private readonly log: Log
  private readonly end: (outcome: Outcome) => void
  private response: ServerResponse | undefined
  private watch: ResponseWatch | undefined
  private route: (() => string | undefined) | undefined
  /** What is captured and measured of bodies; undefined where nothing is. */
  private exchange: Exchange | undefined

  /** Calls `end` with the outcome when the response has ended. */
  constructor(state: RequestState, asked: AskedRequest, log: Log, end: (outcome: Outcome) => void) {
    this.state = state
    this.end = end
    this.asked = asked
    this.log = log
    if (asked.config.capture !== undefined) this.capture(asked.config.capture)
  }

  get failed(): boolean {
    return this.state.failure !== undefined
  }

  get startedAt(): number {
    return this.state.startedAt
  }

  capture(options: CaptureOptions): void {
    const exchange = this.exchanged()
    exchange.capture(options)
    this.state.shownOfErrors = exchange.shownOfErrors
  }

  /** What was captured and measured; without an input or output that the app has set. */
  said(own: ObservationUpdate | undefined): Said | undefined {
    try {
      return this.exchange?.said(this.startedAt, own)
    } catch (error) {
      this.log.warnOnce('root failed', `a request's root is incomplete: ${String(error)}`)
      return undefined
    }
  }

  sends(payload: unknown, reply: ReplyHeaders): unknown {
    return this.exchange === undefined ? payload : this.exchange.sends(payload, reply)
  }

  /** Takes the response, of which it tells the owner the end. */
  begin(response: ServerResponse, route: () => string | undefined): void {
    this.response = response
    this.route = route
    this.state.routeNow = route
    this.exchange?.answerWith(response)
    this.watch = new ResponseWatch(this.asked.request, response, this)
    this.watch.settleIfOver()
  }

  head(head: ResponseHead): void {
    try {
      this.watch?.headed(head)
      this.observe(head)
      this.name(head)
    } catch (error) {
      // A header that Node refuses gets here too, and is refused again when the app's own call goes on.
      this.log.warnOnce('head failed', `a response does not name its trace: ${String(error)}`)
    }
  }

  finishedEarly(): void {
    this.watch?.settle(true)
  }

  responded(ended: ResponseEnd): void {
    this.ended = ended
    const { end, statusCode } = ended
    this.end({ end, statusCode, route: this.routeNow() })
  }

  private observe(head: ResponseHead): void {
    const streamed = isStreamed(this.asked.request, head)
    if (streamed || this.exchange !== undefined) head.settle()
    if (streamed) this.exchanged().stream(head.response)
  }

  private name(head: ResponseHead): void {
    const { config, request } = this.asked
    const { traceIdHeader } = config
    const { requestIdHeader } = config.identity
    if (requestIdHeader !== undefined) head.add(requestIdHeader, this.state.requestId)
    if (traceIdHeader !== undefined) head.add(traceIdHeader, this.state.traceId)
    if (request.headers.origin !== undefined) exposeHeaders(head, [requestIdHeader, traceIdHeader])
  }

  private exchanged(): Exchange {
    if (this.exchange === undefined) {
      this.exchange = new Exchange(this.asked.request, this.asked.url, this.log)
      if (this.response !== undefined) this.exchange.answerWith(this.response)
    }
    return this.exchange
  }

  private routeNow(): string | undefined {
    try {
      return this.route?.()
    } catch {
      return undefined
    }
  }
}
