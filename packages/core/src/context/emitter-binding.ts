import type { EventEmitter } from 'node:events'
import { type Bound, inherited, kTrace } from '../http/bound-trace.ts'
import { currentRequest } from './request-context.ts'
import type { TracedRequest } from './request-trace.ts'

interface BoundEmitter extends EventEmitter, Bound<TracedRequest> {
  [kEmit]?: EventEmitter['emit']
}

const kEmit = Symbol('langfuse-middleware.emit')

/**
 * Runs the listeners of `emitter` within `request`. Node emits a request's `data` and a response's `drain` in the socket's context, which is
 * not the request's (https://nodejs.org/api/async_context.html#integrating-asyncresource-with-eventemitter).
 */
export function bindEmitter(emitter: EventEmitter, request: TracedRequest): void {
  const bound = emitter as BoundEmitter | undefined
  if (bound === undefined || (bound[kTrace] ?? request) !== request || bound.emit === emit) return
  bound[kTrace] = request
  // Stand-ins for requests and responses, such as those of node-mocks-http, are emitters in part or not at all.
  if (typeof bound.emit !== 'function' || typeof bound.listenerCount !== 'function') return
  if (Object.hasOwn(bound, 'emit')) bound[kEmit] = bound.emit
  bound.emit = emit
}

function emit(this: BoundEmitter, event: string | symbol, ...args: unknown[]): boolean {
  const original = this[kEmit] ?? (inherited(this, 'emit', emit) as EventEmitter['emit'])
  const request = this[kTrace]
  // Most events of a request have no listener.
  const isHeard = request !== undefined && this.listenerCount(event) > 0
  if (!isHeard || currentRequest() === request.trace) return original.call(this, event, ...args)
  return emitWithin(request, this, original, event, args)
}

// Apart, because with a closure in `emit` every event would pay for it: 700 bytes per request.
function emitWithin(
  request: TracedRequest,
  emitter: EventEmitter,
  original: EventEmitter['emit'],
  event: string | symbol,
  args: unknown[],
): boolean {
  return request.run(() => original.call(emitter, event, ...args))
}

/** The request that an adapter has bound a message to; undefined if there is none. */
export function tracedRequestOf(message: object): TracedRequest | undefined {
  return (message as Bound<TracedRequest>)[kTrace]
}
