import type { EventEmitter } from 'node:events'
import { currentRequest } from './request-context.ts'
import type { RequestTrace } from './request-trace.ts'

interface BoundEmitter extends EventEmitter {
  [kTrace]?: RequestTrace
  [kEmit]?: EventEmitter['emit']
}

const kTrace = Symbol('langfuse-middleware.bound')
const kEmit = Symbol('langfuse-middleware.emit')

/**
 * Makes `emitter` fire its events within `trace`. Node emits a request's `data` and a response's `drain` from the socket's context, which
 * has lost the request's (https://nodejs.org/api/async_context.html#integrating-asyncresource-with-eventemitter).
 */
export function bindEmitter(emitter: EventEmitter, trace: RequestTrace): void {
  const bound = emitter as BoundEmitter
  if (bound[kTrace] !== undefined) return
  if (Object.hasOwn(emitter, 'emit')) bound[kEmit] = emitter.emit
  bound[kTrace] = trace
  bound.emit = emit
}

function emit(this: BoundEmitter, ...args: [event: string | symbol, ...rest: unknown[]]): boolean {
  const original: EventEmitter['emit'] = this[kEmit] ?? Object.getPrototypeOf(this).emit
  const trace = this[kTrace]
  // Most of what a request emits, nobody listens to.
  const isHeard = trace !== undefined && this.listenerCount(args[0]) > 0
  if (!isHeard || currentRequest() === trace) return original.apply(this, args)
  return trace.run(() => original.apply(this, args))
}
