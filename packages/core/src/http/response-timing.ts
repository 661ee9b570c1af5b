import type { ServerResponse } from 'node:http'

/** When the chunks of a response were written, by `performance.now()`. */
export class ResponseTiming {
  firstTokenAt: number | undefined
  private chunks = 0
  private lastAt: number | undefined
  private head: WrittenHead | undefined

  /** Starts to count; `withinHead` where the headers are just being written, maybe for a first chunk that is past being seen. */
  constructor(response: ServerResponse, withinHead: boolean) {
    if (!withinHead) return
    const { socket } = response
    this.head = { at: performance.now(), socket, corked: socket?.writableCorked ?? 0 }
    process.nextTick(() => this.settleHead())
  }

  /** Counts a chunk; of server-sent events the first with data is the first token, else the first chunk. */
  wrote(chunk: string | Uint8Array, response: { readonly isEventStream: boolean }): void {
    this.settleHead()
    this.chunks += 1
    this.lastAt = performance.now()
    if (this.firstTokenAt === undefined && (!response.isEventStream || hasData(chunk))) {
      this.firstTokenAt = this.lastAt
    }
  }

  /** Figures of a response that came in more than one piece, in milliseconds since `startedAt`. */
  measured(startedAt: number, tokenAt: number | undefined): Record<string, number> {
    const { chunks, lastAt } = this
    if (chunks < 2 || lastAt === undefined) return {}
    return {
      chunks,
      ...(tokenAt !== undefined && { timeToFirstTokenMs: rounded(tokenAt - startedAt) }),
      timeToLastByteMs: rounded(lastAt - startedAt),
    }
  }

  /** Node corks the socket for a write until the end of the tick, so by then it tells whether one has taken the headers along. */
  private settleHead(): void {
    const { head } = this
    this.head = undefined
    if (head === undefined || (head.socket?.writableCorked ?? 0) <= head.corked) return
    this.chunks += 1
    this.firstTokenAt = head.at
    this.lastAt = head.at
  }
}

/** A head that is being written. */
interface WrittenHead {
  readonly at: number
  readonly socket: ServerResponse['socket']
  readonly corked: number
}

function hasData(chunk: string | Uint8Array): boolean {
  if (typeof chunk === 'string') return chunk.includes('data:')
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).includes('data:')
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100
}
