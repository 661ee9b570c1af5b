import type { EventEmitter } from 'node:events'

type Listener = (...args: unknown[]) => void
type Runner = (listener: Listener, self: unknown, args: unknown[]) => void

interface BoundEmitter extends EventEmitter {
  [kRunner]?: Runner
}

interface WrappedListener extends Listener {
  /** Node finds a listener to remove by this, as it does for those added with `once`. */
  listener?: Listener
}

const kRunner = Symbol('langfuse-middleware.runner')

/**
 * Runs listeners added to `emitter` from now on through `run`. Node emits a request's `data` and a response's `finish` from the
 * socket's context, which has lost the request's (https://nodejs.org/api/async_context.html#integrating-asyncresource-with-eventemitter).
 */
export function bindEmitter(emitter: EventEmitter, run: Runner): void {
  const bound = emitter as BoundEmitter
  // Another tracer's binding stays as it is: two on one emitter could not find each other's listeners to remove.
  if (bound[kRunner] !== undefined || Object.hasOwn(emitter, 'on')) return
  bound[kRunner] = run
  // One set of functions for all emitters, so that binding costs four assignments and no closure.
  bound.on = on
  bound.addListener = on
  bound.prependListener = prependListener
  bound.once = once
  bound.prependOnceListener = prependOnceListener
}

function on(this: BoundEmitter, event: string | symbol, listener: Listener): BoundEmitter {
  return add(this, 'on', event, wrap(this, listener))
}

function prependListener(this: BoundEmitter, event: string | symbol, listener: Listener): BoundEmitter {
  return add(this, 'prependListener', event, wrap(this, listener))
}

function once(this: BoundEmitter, event: string | symbol, listener: Listener): BoundEmitter {
  return add(this, 'on', event, wrapOnce(this, event, listener))
}

function prependOnceListener(this: BoundEmitter, event: string | symbol, listener: Listener): BoundEmitter {
  return add(this, 'prependListener', event, wrapOnce(this, event, listener))
}

/** Calls what the emitter's own class does, which may be more than EventEmitter's: `on('data')` starts a stream. */
function add(
  emitter: BoundEmitter,
  method: 'on' | 'prependListener',
  event: string | symbol,
  listener: Listener,
): BoundEmitter {
  return Object.getPrototypeOf(emitter)[method].call(emitter, event, listener)
}

function wrap(emitter: BoundEmitter, listener: Listener): Listener {
  // Anything but a function is for Node to complain about.
  if (typeof listener !== 'function') return listener
  const wrapped: WrappedListener = function (this: unknown, ...args) {
    emitter[kRunner]?.(listener, this, args)
  }
  wrapped.listener = (listener as WrappedListener).listener ?? listener
  return wrapped
}

function wrapOnce(emitter: BoundEmitter, event: string | symbol, listener: Listener): Listener {
  if (typeof listener !== 'function') return listener
  const wrapped: WrappedListener = function (this: unknown, ...args) {
    emitter.removeListener(event, wrapped)
    emitter[kRunner]?.(listener, this, args)
  }
  wrapped.listener = listener
  return wrapped
}
