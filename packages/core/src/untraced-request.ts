import type { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { bindEmitter } from './emitter-binding.ts'
import type { Identity } from './identity.ts'
import { withScope } from './request-context.ts'
import type { RequestLike } from './request-like.ts'
import type { RequestTrace } from './request-trace.ts'
import { nameInResponse } from './response-headers.ts'

type Within = <T>(next: () => T) => T

const NEVER = new AbortController().signal

/** A request that is not traced, for whatever reason: it keeps its context and ids, and every other method does nothing. */
export class UntracedRequest implements RequestTrace {
  readonly traceId = undefined
  readonly signal: AbortSignal = NEVER
  readonly trace: RequestTrace = this
  readonly overlay = undefined
  private readonly request: RequestLike
  private readonly identity: Identity<RequestLike>
  private readonly within: Within | undefined
  private readonly echo: boolean
  private id: string | undefined

  /** `within` runs the request's code so that observations made in it are not recorded; `echo` names the request in its response. */
  constructor(request: RequestLike, identity: Identity<RequestLike>, within?: Within, echo = false) {
    this.request = request
    this.identity = identity
    this.within = within
    this.echo = echo
  }

  get requestId(): string {
    this.id ??= this.identity.requestId(this.request) ?? crypto.randomUUID()
    return this.id
  }

  get userId(): string | undefined {
    return this.identity.userId(this.request)
  }

  get sessionId(): string | undefined {
    return this.identity.sessionId(this.request)
  }

  run<T>(next: () => T): T {
    return this.within === undefined ? withScope(this, next) : (withScope(this, this.within, next) as T)
  }

  bind(emitter: EventEmitter): void {
    bindEmitter(emitter, (listener, self, args) => this.run(() => listener.apply(self, args)))
  }

  waitUntil<T>(promise: Promise<T>): Promise<T> {
    return promise
  }

  sends(payload: unknown): unknown {
    return payload
  }

  setUser(): void {}
  setSession(): void {}
  addTags(): void {}
  setMetadata(): void {}
  setName(): void {}
  update(): void {}
  skip(): void {}
  fail(): void {}
  configure(): void {}
  end(): void {}

  endWith(response: ServerResponse): void {
    if (this.echo) nameInResponse(response, [[this.identity.requestIdHeader, this.requestId]])
  }
}
