import { type Readable, Transform } from 'node:stream'
import { types } from 'node:util'

/**
 * A stream of what `source` gives, which shows each chunk to `seen` on its way. It asks no more of its source than is asked of itself, breaks
 * when its source breaks, and ends its source without an error when it is given up, as the response would have done.
 */
export function tapStream(source: Readable, seen: (chunk: string | Uint8Array) => void): Readable {
  const tap = new Transform({
    // As `Readable.from` makes them.
    objectMode: source.readableObjectMode,
    transform(chunk: unknown, _encoding, done) {
      if (typeof chunk === 'string' || types.isUint8Array(chunk)) seen(chunk)
      done(null, chunk)
    },
    destroy(error, done) {
      source.destroy()
      done(error)
    },
  })
  source.on('error', error => tap.destroy(error))
  source.on('close', () => {
    if (!source.readableEnded) tap.destroy()
  })
  return source.pipe(tap)
}
