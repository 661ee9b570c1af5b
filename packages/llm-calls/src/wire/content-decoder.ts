import zlib from 'node:zlib'

/** Undoes a body's content encoding while it arrives. */
export interface ContentDecoder {
  push(chunk: Uint8Array): void
  /** Calls `done` once everything that was pushed has been delivered. */
  end(done: () => void): void
}

const { constants } = zlib
// What a compressed body may come to; the rest of a larger one is not read.
const MAX_DECODED_BYTES = 64 * 1024 * 1024

/**
 * Creates a decoder for the value of a `content-encoding` header; undefined if this Node.js cannot decode it. A body that was cut is
 * decoded as far as it goes. `onFault` is called if a body is not what its header says.
 */
export function createContentDecoder(
  encoding: string | undefined,
  onData: (chunk: Uint8Array) => void,
  onFault: (error: Error) => void,
): ContentDecoder | undefined {
  const names = (encoding ?? '')
    .toLowerCase()
    .split(',')
    .map(name => name.trim())
  const coded = names.filter(name => name !== '' && name !== 'identity')
  if (coded.length === 0) return { push: onData, end: done => done() }
  const [name = ''] = coded
  if (coded.length > 1 || !isKnown(name)) return undefined
  let stream: zlib.Gunzip | undefined
  let decoded = 0
  let settle: (() => void) | undefined
  let settled = false

  function open(first: number): zlib.Gunzip {
    const opened = createStream(name, first)
    opened.on('data', (chunk: Buffer) => {
      decoded += chunk.length
      if (decoded <= MAX_DECODED_BYTES) onData(chunk)
    })
    opened.on('error', error => {
      onFault(error)
      finish()
    })
    opened.on('end', finish)
    return opened
  }

  function finish(): void {
    settled = true
    settle?.()
    settle = undefined
  }

  return {
    push(chunk) {
      const [first] = chunk
      if (settled || first === undefined) return
      stream ??= open(first)
      // A copy: the client may reuse the memory before the decoder, in its own thread, has read it.
      stream.write(Buffer.from(chunk))
    },
    end(done) {
      if (settled || stream === undefined) return done()
      settle = done
      stream.end()
    },
  }
}

function isKnown(name: string): boolean {
  return /^(?:x-)?gzip$|^deflate$|^br$/.test(name) || (name === 'zstd' && zstd() !== undefined)
}

function createStream(name: string, first: number): zlib.Gunzip {
  const lenient = { finishFlush: constants.Z_SYNC_FLUSH }
  if (name === 'br') return zlib.createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH })
  if (name === 'zstd') return zstd()?.({ finishFlush: 1 }) as zlib.Gunzip
  if (name !== 'deflate') return zlib.createGunzip(lenient)
  // Some servers send it without the zlib header, as undici accepts it too.
  return (first & 0x0f) === 8 ? zlib.createInflate(lenient) : zlib.createInflateRaw(lenient)
}

/** Node.js 22.15 and 23.8 or later. */
function zstd(): ((options: { finishFlush: number }) => zlib.Gunzip) | undefined {
  return (zlib as { createZstdDecompress?: (options: object) => zlib.Gunzip }).createZstdDecompress
}
