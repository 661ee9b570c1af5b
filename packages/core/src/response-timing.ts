import type { ServerResponse } from 'node:http'

/** When the chunks of a response were written, by `performance.now()`. */
export interface ResponseTiming {
  /** Counts a chunk; of server-sent events the first with data is the first token, else the first chunk. */
  wrote(chunk: string | Uint8Array, events: () => boolean): void
  readonly firstTokenAt: number | undefined
  /** Figures of a response that came in more than one piece, in milliseconds since `startedAt`. */
  measured(startedAt: number, tokenAt: number | undefined): Record<string, number>
}

/** Starts to count; `withinHead` where the headers are just being written, maybe for a first chunk that is past being seen. */
export function createResponseTiming(response: ServerResponse, withinHead: boolean): ResponseTiming {
  let chunks = 0
  let firstTokenAt: number | undefined
  let lastAt: number | undefined
  let settleHead: (() => void) | undefined

  if (withinHead) {
    const headAt = performance.now()
    const { socket } = response
    const corked = socket?.writableCorked ?? 0
    // Node corks the socket for a write until the end of the tick, so by then it tells whether one has taken the headers along.
    settleHead = () => {
      settleHead = undefined
      if ((socket?.writableCorked ?? 0) <= corked) return
      chunks += 1
      firstTokenAt = headAt
      lastAt = headAt
    }
    process.nextTick(() => settleHead?.())
  }

  return {
    get firstTokenAt() {
      return firstTokenAt
    },
    wrote(chunk, events) {
      settleHead?.()
      chunks += 1
      lastAt = performance.now()
      if (firstTokenAt === undefined && (!events() || hasData(chunk))) {
        firstTokenAt = lastAt
      }
    },
    measured(startedAt, tokenAt) {
      if (chunks < 2 || lastAt === undefined) return {}
      return {
        chunks,
        ...(tokenAt !== undefined && { timeToFirstTokenMs: rounded(tokenAt - startedAt) }),
        timeToLastByteMs: rounded(lastAt - startedAt),
      }
    },
  }
}

function hasData(chunk: string | Uint8Array): boolean {
  if (typeof chunk === 'string') return chunk.includes('data:')
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).includes('data:')
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100
}
