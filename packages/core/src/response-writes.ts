import type { ServerResponse } from 'node:http'

type Write = (this: unknown, ...args: unknown[]) => unknown

/**
 * Calls `seen` with every chunk that the app writes to this response, before anything else does: what has wrapped `write` and `end`
 * before, or does so later, such as a compression middleware, comes below. Changes neither what is written nor what is returned. Returns
 * whether anyone has wrapped them.
 */
export function observeWrites(
  response: ServerResponse,
  seen: (chunk: string | Uint8Array, encoding: BufferEncoding | undefined) => void,
): () => boolean {
  let wrapped = Object.hasOwn(response, 'write')
  // HTTP/2's `end` calls `write`, and so do those of some wrappers.
  let within = false
  observe('write')
  observe('end')
  return () => wrapped

  function observe(method: 'write' | 'end'): void {
    let outermost = observing(response[method] as Write)
    Object.defineProperty(response, method, {
      configurable: true,
      enumerable: true,
      get: () => outermost,
      // Who wraps what is here keeps calling it, and it is then no longer the outermost.
      set(wrapper: Write) {
        wrapped = true
        outermost = observing(wrapper)
      },
    })

    function observing(below: Write): Write {
      return function write(this: unknown, ...args: unknown[]) {
        if (within || write !== outermost) return below.apply(this, args)
        const chunk = args[0]
        if (typeof chunk === 'string' || chunk instanceof Uint8Array) {
          seen(chunk, typeof args[1] === 'string' ? (args[1] as BufferEncoding) : undefined)
        }
        within = true
        try {
          return below.apply(this, args)
        } finally {
          within = false
        }
      }
    }
  }
}
