import { constants, gunzip, gzip } from 'node:zlib'

const CHUNK_BYTES = 128 * 1024
/** Bound against a message that inflates to fill the memory. */
const MAX_INFLATED_BYTES = 64 * 1024 * 1024

/** Compresses a body off the main thread. */
export function compress(body: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gzip(body, { level: constants.Z_BEST_SPEED, chunkSize: CHUNK_BYTES }, (error, result) =>
      error ? reject(error) : resolve(result),
    )
  })
}

/** Inflates what `compress` wrote. Rejects if it is something else. */
export function decompress(body: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gunzip(body, { chunkSize: CHUNK_BYTES, maxOutputLength: MAX_INFLATED_BYTES }, (error, result) =>
      error ? reject(error) : resolve(result),
    )
  })
}
