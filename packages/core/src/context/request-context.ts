import { AsyncLocalStorage } from 'node:async_hooks'
import type { Context } from '@opentelemetry/api'
import { shared } from '../basics/shared.ts'
import type { RequestTrace } from './request-trace.ts'

/** Who and what the running code works for. */
export interface RequestContext {
  readonly requestId?: string | undefined
  readonly traceId?: string | undefined
  readonly userId?: string | undefined
  readonly sessionId?: string | undefined
}

/** What the running code belongs to. */
export interface Scope {
  readonly trace: RequestTrace | undefined
  readonly overlay: RequestContext | undefined
  /** OpenTelemetry's context, where this storage holds it. */
  readonly context: Context | undefined
}

// One storage for all copies of this package in the process: an ESM and a CJS copy see the same request.
const storage: AsyncLocalStorage<Scope> = shared('context', () => new AsyncLocalStorage<Scope>())

/** The request that the running code belongs to; undefined outside of one. */
export function currentRequest(): RequestTrace | undefined {
  return storage.getStore()?.trace
}

/** Ids of the current request, or those `runWithContext` set; undefined outside of both. */
export function getRequestContext(): RequestContext | undefined {
  const scope = storage.getStore()
  if (scope === undefined) return undefined
  const { trace, overlay } = scope
  return {
    requestId: overlay?.requestId ?? trace?.requestId,
    traceId: overlay?.traceId ?? trace?.traceId,
    userId: overlay?.userId ?? trace?.userId,
    sessionId: overlay?.sessionId ?? trace?.sessionId,
  }
}

/** Ids that `runWithContext` set. */
export function currentOverlay(): RequestContext | undefined {
  return storage.getStore()?.overlay
}

/** Runs `fn` with `overlay` over the current context, without tracing's part in it. */
export function withOverlay<T>(overlay: RequestContext, fn: () => T): T {
  const scope = storage.getStore()
  return storage.run(
    { trace: scope?.trace, overlay: { ...scope?.overlay, ...overlay }, context: scope?.context },
    fn,
  )
}

/** Runs `fn` as part of the request that `scope` stands for. */
export function withScope<A extends unknown[], T>(scope: Scope, fn: (...args: A) => T, ...args: A): T {
  return storage.run(scope, fn, ...args)
}

/** Makes `scope` the current one from here on, unless its request is current. Returns a function that restores the one before. */
export function enterRequest(scope: Scope): (() => void) | undefined {
  return storage.getStore()?.trace === scope.trace ? undefined : enterScope(scope)
}

/** Makes `scope` the current one from here on. Returns a function that restores the one before. */
export function enterScope(scope: Scope): () => void {
  const before = storage.getStore()
  storage.enterWith(scope)
  return () => storage.enterWith(before as Scope)
}

/** OpenTelemetry's context, where this storage holds it. */
export function scopedContext(): Context | undefined {
  return storage.getStore()?.context
}

/** The current scope, with another context of OpenTelemetry's. */
export function scopeWith(context: Context): Scope {
  const scope = storage.getStore()
  return { trace: scope?.trace, overlay: scope?.overlay, context }
}
