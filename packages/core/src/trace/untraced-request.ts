import { randomUUID } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Context } from '@opentelemetry/api'
import { bindEmitter } from '../context/emitter-binding.ts'
import { enterRequest, type Scope, withScope } from '../context/request-context.ts'
import type { RequestTrace, TracedRequest } from '../context/request-trace.ts'
import type { RequestEnd } from '../http/outcome.ts'
import type { RequestLike } from '../http/request-like.ts'
import { type HeadHook, hookHead, type ResponseHead } from '../http/response-head.ts'
import { ResponseWatch } from '../http/response-watch.ts'
import type { Identity } from '../options/identity.ts'
import type { RouteOptions } from '../options/request-options.ts'
import { bindFunction } from './bind-function.ts'
import type { Pipeline } from './pipeline.ts'

interface UntracedOptions {
  /** Records nothing of what is observed in the request. */
  readonly pipeline?: Pipeline
  readonly route?: RouteOptions | false | undefined
  /** Adds the request id to the response. */
  readonly echo?: boolean
}

/** A request that is not traced. It has its context and ids, and does nothing else. */
export class UntracedRequest implements TracedRequest, HeadHook {
  readonly trace: RequestTrace
  readonly scope: Scope
  private readonly request: RequestLike
  private readonly identity: Identity<RequestLike>
  private readonly pipeline: Pipeline | undefined
  private readonly echo: boolean
  private id: string | undefined
  private response: ServerResponse | undefined
  private controller: AbortController | undefined
  private abortOnDisconnect = true

  constructor(request: RequestLike, identity: Identity<RequestLike>, options: UntracedOptions = {}) {
    const { pipeline, route, echo = false } = options
    this.request = request
    this.identity = identity
    this.pipeline = pipeline
    this.echo = echo
    if (route) this.configure(route)
    this.trace = new UntracedTrace(this)
    this.scope = { trace: this.trace, overlay: undefined, context: pipeline?.silentContext() }
  }

  get requestId(): string {
    this.id ??= this.identity.requestId(this.request) ?? randomUUID()
    return this.id
  }

  get userId(): string | undefined {
    return this.identity.userId(this.request)
  }

  get sessionId(): string | undefined {
    return this.identity.sessionId(this.request)
  }

  /** Aborts as that of a traced request does. The response is only watched if somebody asks. */
  get signal(): AbortSignal {
    this.controller ??= this.watch()
    return this.controller.signal
  }

  configure({ abortOnDisconnect }: RouteOptions): void {
    if (abortOnDisconnect !== undefined) this.abortOnDisconnect = abortOnDisconnect
  }

  run<T>(next: () => T): T {
    const { pipeline, scope } = this
    if (pipeline === undefined || scope.context === undefined) return withScope(scope, next)
    return pipeline.enter(scope as Scope & { readonly context: Context }, next)
  }

  enter(): (() => void) | undefined {
    return enterRequest(this.scope)
  }

  bindEmitter(emitter: EventEmitter): void {
    bindEmitter(emitter, this)
  }

  sends(payload: unknown): unknown {
    return payload
  }

  fail(): void {}
  end(): void {}

  endWith(response: ServerResponse): void {
    this.response = response
    if (this.echo && this.identity.requestIdHeader !== undefined) hookHead(response, this)
  }

  head(head: ResponseHead): void {
    if (this.identity.requestIdHeader !== undefined) head.add(this.identity.requestIdHeader, this.requestId)
  }

  private watch(): AbortController {
    const controller = new AbortController()
    const { request, response } = this
    const responded = (end: RequestEnd) => {
      if (end !== 'completed' && this.abortOnDisconnect) controller.abort()
    }
    if (response === undefined) return controller
    if (response.destroyed && !response.writableFinished) responded('client_aborted')
    else {
      const startedAt = performance.now()
      new ResponseWatch(request, response, {
        failed: false,
        startedAt,
        responded: ({ end }) => responded(end),
      })
    }
    return controller
  }
}

/** The trace of an untraced request, as users see it: every method that would record does nothing. */
class UntracedTrace implements RequestTrace {
  readonly traceId = undefined
  private readonly untraced: UntracedRequest

  constructor(untraced: UntracedRequest) {
    this.untraced = untraced
  }

  get requestId(): string {
    return this.untraced.requestId
  }

  get userId(): string | undefined {
    return this.untraced.userId
  }

  get sessionId(): string | undefined {
    return this.untraced.sessionId
  }

  get signal(): AbortSignal {
    return this.untraced.signal
  }

  configure(route: RouteOptions): void {
    this.untraced.configure(route)
  }

  run<T>(fn: () => T): T {
    return this.untraced.run(fn)
  }

  bind<F extends (...args: never[]) => unknown>(fn: F): F {
    return bindFunction(this.untraced, fn)
  }

  waitUntil<T>(promise: Promise<T>): Promise<T> {
    return promise
  }

  setUser(): void {}
  setSession(): void {}
  addTags(): void {}
  setMetadata(): void {}
  setPublic(): void {}
  setName(): void {}
  update(): void {}
  score(): void {}
  skip(): void {}
}
