import { constants, gzip } from 'node:zlib'

/** `auto` compresses where it pays: not for small bodies, and not on the way to the same machine. */
export type Compression = 'auto' | 'gzip' | 'none'

const WORTHWHILE_BYTES = 1024
const CHUNK_BYTES = 128 * 1024
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** Returns a function that compresses a body off the main thread, or `undefined` where it is to be sent as it is. */
export function createCompressor(
  compression: Compression,
  hostname: string,
): (body: Uint8Array) => Promise<Buffer> | undefined {
  if (compression === 'none' || (compression === 'auto' && LOOPBACK.test(hostname))) return () => undefined
  return body => (body.length < WORTHWHILE_BYTES ? undefined : compress(body))
}

function compress(body: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // Large chunks, because each one is a visit to the main thread.
    gzip(body, { level: constants.Z_BEST_SPEED, chunkSize: CHUNK_BYTES }, (error, result) =>
      error ? reject(error) : resolve(result),
    )
  })
}
