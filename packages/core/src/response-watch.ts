import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import onHeaders from 'on-headers'
import type { RequestEnd } from './outcome.ts'
import type { RequestLike } from './request-like.ts'

/** How a response ended, with what was measured on the way. */
interface ResponseEnd {
  readonly end: RequestEnd
  /** Absent when no header was sent. */
  readonly statusCode: number | undefined
  readonly measured: { readonly responseBytes?: number; readonly timeToFirstByteMs?: number }
}

interface Watcher {
  /** Whether the app reported an error for this request. */
  failed(): boolean
  /** Called before the headers are written, while they can still be changed. */
  headers(): void
  end(end: ResponseEnd): void
}

/** What one socket's responses share: the socket outlives each of them, and may die with several waiting. */
interface SocketWatch {
  readonly open: Set<() => void>
  timedOut: boolean
  bytesWritten: number
}

interface Http2Stream {
  readonly aborted: boolean
  readonly rstCode?: number
}

const watches = new WeakMap<Socket, SocketWatch>()

/**
 * Calls `watcher.end` once, at the first of the response's `finish`, its `close`, and its socket's `close`. The last is needed:
 * on Node 20 and 22 a response queued behind another on a socket that dies emits neither of the first two.
 */
export function watchResponse(request: RequestLike, response: ServerResponse, watcher: Watcher): void {
  const startedAt = performance.now()
  const stream = (response as { stream?: Http2Stream }).stream
  const socket = stream === undefined ? request.socket : undefined
  const watch = socket && watchSocket(socket)
  let firstByteAt: number | undefined
  let finished = false
  let over = false

  onHeaders(response, () => {
    firstByteAt = performance.now()
    watcher.headers()
  })
  response.on('finish', () => {
    finished = true
    settle()
  })
  response.on('close', settle)
  if (watch !== undefined) {
    // An earlier timeout on this connection was answered, or it would be closed.
    if (watch.open.size === 0) watch.timedOut = false
    watch.open.add(settle)
  }

  function settle(): void {
    if (over) return
    over = true
    watch?.open.delete(settle)
    const failed = watcher.failed()
    const end = isReset(stream)
      ? resetEnd(response, failed)
      : // An injected request's response says that it finished before it looks so.
        finished || response.writableFinished
        ? 'completed'
        : brokenEnd(request, response, socket, watch, failed)
    // Headers of a response that still waits for its turn on the socket are written, but never left.
    const sent =
      response.headersSent && (end === 'completed' || stream !== undefined || response.socket !== null)
    watcher.end({
      end,
      statusCode: sent ? response.statusCode : undefined,
      measured: {
        ...(sent && size(response, end, socket, watch)),
        ...(sent && firstByteAt !== undefined && { timeToFirstByteMs: rounded(firstByteAt - startedAt) }),
      },
    })
  }
}

function watchSocket(socket: Socket): SocketWatch {
  const known = watches.get(socket)
  if (known !== undefined) return known
  const watch: SocketWatch = { open: new Set(), timedOut: false, bytesWritten: socket.bytesWritten ?? 0 }
  watches.set(socket, watch)
  socket.on('timeout', () => {
    watch.timedOut = true
  })
  socket.on('close', () => {
    for (const settle of watch.open) settle()
  })
  return watch
}

function isReset(stream: Http2Stream | undefined): boolean {
  return stream !== undefined && (stream.aborted || (stream.rstCode ?? 0) !== 0)
}

/** How a stream of HTTP/2 ended that was reset: it emits `finish` all the same, and looks the same whoever reset it. */
function resetEnd(response: ServerResponse, failed: boolean): RequestEnd {
  return failed && response.headersSent ? 'stream_error' : 'client_aborted'
}

function brokenEnd(
  request: RequestLike,
  response: ServerResponse,
  socket: Socket | undefined,
  watch: SocketWatch | undefined,
  failed: boolean,
): RequestEnd {
  // A socket that was handed over, to a WebSocket for one, ends without a response of ours.
  if (isUpgraded(request, response) && !response.headersSent && !failed) return 'completed'
  const broken = (socket as { errored?: NodeJS.ErrnoException | null } | undefined)?.errored
  if (watch?.timedOut || broken?.code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'timed_out'
  // Node 24 gives a queued response an error of its own when its client goes; one of the app's reaches the socket as it is.
  const left =
    socket?.readableEnded || (broken !== null && broken !== undefined && broken !== response.errored)
  if (left) return 'client_aborted'
  return response.errored || response.headersSent ? 'stream_error' : 'server_aborted'
}

function isUpgraded(request: RequestLike, response: ServerResponse): boolean {
  // Node says false where a client offered an upgrade that nobody took.
  const taken = (response.req as { upgrade?: boolean } | undefined)?.upgrade !== false
  return taken && request.headers.upgrade !== undefined
}

/** What the response says of its length, else what its socket wrote for it, headers and framing included. */
function size(
  response: ServerResponse,
  end: RequestEnd,
  socket: Socket | undefined,
  watch: SocketWatch | undefined,
): ResponseEnd['measured'] {
  const before = watch?.bytesWritten
  const written = socket?.bytesWritten
  if (watch !== undefined && written !== undefined) watch.bytesWritten = written
  const stated = Number(response.getHeader('content-length') ?? Number.NaN)
  if (Number.isInteger(stated) && end === 'completed') return { responseBytes: stated }
  if (before === undefined || written === undefined || written <= before) return {}
  return { responseBytes: written - before }
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100
}
