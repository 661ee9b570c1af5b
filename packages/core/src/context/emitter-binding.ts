import type { EventEmitter } from 'node:events'
import { type Bound, kTrace } from '../http/bound-trace.ts'
import { currentRequest } from './request-context.ts'
import type { RequestTrace } from './request-trace.ts'

interface BoundEmitter extends EventEmitter, Bound<RequestTrace> {
  [kEmit]?: EventEmitter['emit']
}

const kEmit = Symbol('langfuse-middleware.emit')

/**
 * Makes `emitter` fire its events within `trace`. Node emits a request's `data` and a response's `drain` from the socket's context, which
 * has lost the request's (https://nodejs.org/api/async_context.html#integrating-asyncresource-with-eventemitter).
 */
export function bindEmitter(emitter: EventEmitter, trace: RequestTrace): void {
  // Stand-ins for requests and responses, such as those of node-mocks-http, are emitters in part or not at all.
  if (typeof emitter?.emit !== 'function' || typeof emitter.listenerCount !== 'function') return
  const bound = emitter as BoundEmitter
  if (bound.emit === emit || (bound[kTrace] ?? trace) !== trace) return
  if (Object.hasOwn(emitter, 'emit')) bound[kEmit] = emitter.emit
  bound[kTrace] = trace
  bound.emit = emit
}

function emit(this: BoundEmitter, event: string | symbol, ...args: unknown[]): boolean {
  const original: EventEmitter['emit'] = this[kEmit] ?? Object.getPrototypeOf(this).emit
  const trace = this[kTrace]
  // Most of what a request emits, nobody listens to.
  const isHeard = trace !== undefined && this.listenerCount(event) > 0
  if (!isHeard || currentRequest() === trace) return original.call(this, event, ...args)
  return emitWithin(trace, this, original, event, args)
}

// Apart, for a closure in `emit` would be paid for by every event: 700 bytes per request.
function emitWithin(
  trace: RequestTrace,
  emitter: EventEmitter,
  original: EventEmitter['emit'],
  event: string | symbol,
  args: unknown[],
): boolean {
  return trace.run(() => original.call(emitter, event, ...args))
}
