import type { ServerResponse } from 'node:http'
import { types } from 'node:util'

type Write = (this: unknown, ...args: unknown[]) => unknown

/** Who wants to see what is written. */
export interface ChunkObserver {
  /** Takes a chunk that is about to be written; must not throw. */
  seen(chunk: string | Uint8Array, encoding: BufferEncoding | undefined): void
}

interface ObservedResponse extends ServerResponse {
  [kWrites]?: ResponseWrites
}

const kWrites = Symbol('langfuse-middleware.writes')

/**
 * Shows `observer` every chunk that the app writes to this response, before anything else does: what has wrapped `write` and `end`
 * before, or does so later, such as a compression middleware, comes below. Changes neither what is written nor what is returned.
 */
export function observeWrites(response: ServerResponse, observer: ChunkObserver): ResponseWrites {
  const observed = response as ObservedResponse
  const known = observed[kWrites]
  if (known !== undefined) {
    known.observers.push(observer)
    return known
  }
  const writes = new ResponseWrites(response, observer)
  observed[kWrites] = writes
  // The same accessors for all responses: closures for each kept them alive until the next full collection (stalls of 20 to 30 ms).
  Object.defineProperties(response, ACCESSORS)
  return writes
}

const ACCESSORS: PropertyDescriptorMap = { write: accessor('write', write), end: accessor('end', end) }

function accessor(method: 'write' | 'end', observed: Write): PropertyDescriptor {
  return {
    configurable: true,
    enumerable: true,
    get(this: ObservedResponse) {
      return this[kWrites]?.outermost[method] ?? observed
    },
    // Who wraps what is here keeps calling it, and it is then no longer the outermost.
    set(this: ObservedResponse, wrapper: Write) {
      this[kWrites]?.wrap(method, wrapper)
    },
  }
}

function write(this: unknown, ...args: unknown[]): unknown {
  return innermost('write', this as ObservedResponse, args)
}

function end(this: unknown, ...args: unknown[]): unknown {
  return innermost('end', this as ObservedResponse, args)
}

function innermost(method: 'write' | 'end', response: ObservedResponse, args: unknown[]): unknown {
  const writes = response[kWrites]
  // Taken from one response, and called on another.
  if (writes === undefined) return (Object.getPrototypeOf(response)[method] as Write).apply(response, args)
  return writes.pass(writes.outermost[method] === undefined, writes.below[method], response, args)
}

/** What is written to one response, and who else looks at it. */
export class ResponseWrites {
  /** The methods as they were before. */
  readonly below: { readonly write: Write; readonly end: Write }
  /** What stands in for those that somebody has wrapped since. */
  readonly outermost: { write: Write | undefined; end: Write | undefined } = {
    write: undefined,
    end: undefined,
  }
  /** Whether anyone has wrapped them. */
  isWrapped: boolean
  readonly observers: ChunkObserver[]
  // HTTP/2's `end` calls `write`, and so do those of some wrappers.
  private within = false

  constructor(response: ServerResponse, observer: ChunkObserver) {
    this.below = { write: response.write as Write, end: response.end as Write }
    this.isWrapped = Object.hasOwn(response, 'write')
    this.observers = [observer]
  }

  wrap(method: 'write' | 'end', wrapper: Write): void {
    const writes = this
    this.isWrapped = true
    this.outermost[method] = function outer(this: unknown, ...args: unknown[]) {
      return writes.pass(writes.outermost[method] === outer, wrapper, this, args)
    }
  }

  /** Calls what is below, and shows the chunk if this is the outermost call. */
  pass(isOutermost: boolean, below: Write, response: unknown, args: unknown[]): unknown {
    if (this.within || !isOutermost) return below.apply(response, args)
    const chunk = args[0]
    if (typeof chunk === 'string' || types.isUint8Array(chunk)) {
      const encoding = typeof args[1] === 'string' ? (args[1] as BufferEncoding) : undefined
      for (const observer of this.observers) observer.seen(chunk, encoding)
    }
    this.within = true
    try {
      return below.apply(response, args)
    } finally {
      this.within = false
    }
  }
}
