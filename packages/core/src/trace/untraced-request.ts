import { randomUUID } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Context } from '@opentelemetry/api'
import { bindEmitter } from '../context/emitter-binding.ts'
import { withScope } from '../context/request-context.ts'
import type { RequestTrace } from '../context/request-trace.ts'
import type { RequestLike } from '../http/request-like.ts'
import { type HeadHook, hookHead, type ResponseHead } from '../http/response-head.ts'
import type { Identity } from '../options/identity.ts'
import type { Pipeline } from './pipeline.ts'

const NEVER = new AbortController().signal

/** A request that is not traced, for whatever reason: it keeps its context and ids, and every other method does nothing. */
export class UntracedRequest implements RequestTrace, HeadHook {
  readonly traceId = undefined
  readonly signal: AbortSignal = NEVER
  readonly trace: RequestTrace = this
  readonly overlay = undefined
  readonly context: Context | undefined
  private readonly request: RequestLike
  private readonly identity: Identity<RequestLike>
  private readonly pipeline: Pipeline | undefined
  private readonly echo: boolean
  private id: string | undefined

  /** Observations made in the request are kept out of `pipeline`; `echo` names the request in its response. */
  constructor(request: RequestLike, identity: Identity<RequestLike>, pipeline?: Pipeline, echo = false) {
    this.request = request
    this.identity = identity
    this.pipeline = pipeline
    this.context = pipeline?.silentContext()
    this.echo = echo
  }

  get requestId(): string {
    this.id ??= this.identity.requestId(this.request) ?? this.pipeline?.newRequestId() ?? randomUUID()
    return this.id
  }

  get userId(): string | undefined {
    return this.identity.userId(this.request)
  }

  get sessionId(): string | undefined {
    return this.identity.sessionId(this.request)
  }

  run<T>(next: () => T): T {
    const { pipeline, context } = this
    if (pipeline === undefined || context === undefined) return withScope(this, next)
    return pipeline.enter(this as this & { context: Context }, next)
  }

  bind(emitter: EventEmitter): void {
    bindEmitter(emitter, this)
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
  score(): void {}
  skip(): void {}
  fail(): void {}
  configure(): void {}
  end(): void {}

  endWith(response: ServerResponse): void {
    if (this.echo && this.identity.requestIdHeader !== undefined) hookHead(response, this)
  }

  head(head: ResponseHead): void {
    if (this.identity.requestIdHeader !== undefined) head.add(this.identity.requestIdHeader, this.requestId)
  }
}
