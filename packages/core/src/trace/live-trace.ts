import type { ObservationUpdate, RequestTrace } from '../context/request-trace.ts'
import type { Score } from '../context/score.ts'
import type { RouteOptions } from '../options/request-options.ts'
import type { RequestState } from '../request/request-state.ts'
import { bindFunction } from './bind-function.ts'

/** The request behind the trace. */
interface TraceOwner extends Pick<RequestTrace, 'signal' | 'score' | 'waitUntil' | 'configure' | 'run'> {
  readonly state: RequestState
}

/** The trace of a live request, as users see it. */
export class LiveTrace implements RequestTrace {
  readonly traceId: string
  private readonly live: TraceOwner

  constructor(live: TraceOwner) {
    this.live = live
    this.traceId = live.state.traceId
  }

  get requestId(): string {
    return this.live.state.requestId
  }

  get userId(): string | undefined {
    return this.live.state.userId
  }

  get sessionId(): string | undefined {
    return this.live.state.sessionId
  }

  get signal(): AbortSignal {
    return this.live.signal
  }

  setUser(userId: string): void {
    this.live.state.setUser(userId)
  }

  setSession(sessionId: string): void {
    this.live.state.setSession(sessionId)
  }

  addTags(...tags: string[]): void {
    this.live.state.annotate(annotations => annotations.addTags(tags))
  }

  setMetadata(metadata: Record<string, unknown>): void {
    this.live.state.annotate(annotations => annotations.addMetadata(metadata))
  }

  setPublic(): void {
    this.live.state.annotate(annotations => {
      annotations.isPublic = true
    })
  }

  setName(name: string): void {
    this.live.state.annotate(annotations => annotations.setName(name))
  }

  update(update: ObservationUpdate): void {
    this.live.state.annotate(annotations => annotations.addUpdate(update))
  }

  score(score: Score): void {
    this.live.score(score)
  }

  skip(): void {
    this.live.state.annotate(annotations => {
      annotations.skipped = true
    })
  }

  waitUntil<T>(promise: Promise<T>): Promise<T> {
    return this.live.waitUntil(promise)
  }

  configure(route: RouteOptions): void {
    this.live.configure(route)
  }

  run<T>(fn: () => T): T {
    return this.live.run(fn)
  }

  bind<F extends (...args: never[]) => unknown>(fn: F): F {
    return bindFunction(this.live, fn)
  }
}
