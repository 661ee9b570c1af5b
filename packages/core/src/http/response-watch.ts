import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Linked, LinkedList } from '../basics/linked-list.ts'
import type { RequestEnd } from './outcome.ts'
import type { RequestLike } from './request-like.ts'
import type { ResponseHead } from './response-head.ts'

/** How a response ended, with what was measured on the way. */
export interface ResponseEnd {
  readonly end: RequestEnd
  /** Absent when no header was sent. */
  readonly statusCode: number | undefined
  readonly responseBytes: number | undefined
  readonly timeToFirstByteMs: number | undefined
}

/** Whom a response's end is told. */
export interface ResponseWatcher {
  /** Whether the app reported an error for this request. */
  readonly failed: boolean
  /** When the request came, by `performance.now()`. */
  readonly startedAt: number
  responded(end: ResponseEnd): void
}

/** What one socket's responses share: the socket outlives each of them, and may die with several waiting. */
interface SocketWatch {
  readonly open: LinkedList<ResponseWatch>
  timedOut: boolean
  bytesWritten: number
}

interface WatchedSocket extends Socket {
  [kSocketWatch]?: SocketWatch
}

interface Http2Stream {
  readonly aborted: boolean
  readonly rstCode?: number
}

const kSocketWatch = Symbol('langfuse-middleware.socket')

/**
 * Reports once how a response ended, at the first of its `finish`, its `close`, and its socket's `close`; at once if it is over already. The
 * socket is needed because on Node 20 and 22 a response queued behind another on a socket that dies emits neither of the first two. A
 * response or socket that is not one of Node's may emit nothing: then the call of `end` is the end.
 */
export class ResponseWatch implements Linked<ResponseWatch> {
  list: LinkedList<ResponseWatch> | undefined
  previous: ResponseWatch | undefined
  next: ResponseWatch | undefined
  private readonly request: RequestLike
  private readonly response: ServerResponse
  private readonly watcher: ResponseWatcher
  private readonly stream: Http2Stream | undefined
  private readonly socket: Socket | undefined
  private readonly watch: SocketWatch | undefined
  private firstByteAt: number | undefined
  private statedBytes = Number.NaN
  /** The status in the head. */
  private sentStatus: number | undefined
  private over = false

  constructor(request: RequestLike, response: ServerResponse, watcher: ResponseWatcher) {
    this.request = request
    this.response = response
    this.watcher = watcher
    this.stream = (response as { stream?: Http2Stream }).stream
    this.socket = this.stream === undefined ? request.socket : undefined
    this.watch = this.socket && watchSocket(this.socket)
    if (this.watch !== undefined) {
      // An earlier timeout on this connection was answered, or it would be closed.
      if (this.watch.open.size === 0) this.watch.timedOut = false
      this.watch.open.add(this)
    }
    response.on?.('finish', () => this.settle(true))
    response.on?.('close', () => this.closed())
    if (this.stream === undefined && !(response instanceof ServerResponse)) this.watchEnd()
  }

  /** Settles a response whose events are in the past, because its client left while an earlier middleware waited. */
  settleIfOver(): void {
    const { response, socket } = this
    if (response.writableFinished || response.closed || socket?.destroyed) this.settle(false)
  }

  /** Takes note of a head that is about to be written. */
  headed(head: ResponseHead): void {
    // A call after the head was sent fails, and changes nothing.
    if (this.response.headersSent) return
    this.sentStatus = head.statusCode
    this.firstByteAt ??= performance.now()
    this.statedBytes = Number(head.get('content-length') ?? Number.NaN)
  }

  private closed(): void {
    if (this.watch !== undefined || this.stream !== undefined) this.settle(false)
    // The response of serverless-http 3 emits `close` before the other listeners of `finish` are called.
    else queueMicrotask(() => this.settle(false))
  }

  private watchEnd(): void {
    const { response } = this
    const { end } = response
    if (typeof end !== 'function') return
    response.end = (...args: unknown[]) => {
      const result = Reflect.apply(end, response, args)
      this.settle(true)
      return result
    }
  }

  /** Ends the watch, at the first call. */
  settle(finished: boolean): void {
    if (this.over) return
    this.over = true
    const { request, response, stream, socket, watch, firstByteAt } = this
    watch?.open.delete(this)
    const { failed } = this.watcher
    const end = isReset(stream)
      ? resetEnd(response, failed)
      : // An injected request's response says that it finished before it looks so.
        finished || response.writableFinished
        ? 'completed'
        : brokenEnd(request, response, socket, watch, failed)
    // Headers of a response that still waits for its turn on the socket are written, but never left.
    const sent =
      (response.headersSent ?? true) &&
      (end === 'completed' || stream !== undefined || response.socket !== null)
    this.watcher.responded({
      end,
      // An error handler may have set another one since.
      statusCode: sent ? (this.sentStatus ?? response.statusCode) : undefined,
      responseBytes: sent ? this.size(end) : undefined,
      timeToFirstByteMs:
        sent && firstByteAt !== undefined ? rounded(firstByteAt - this.watcher.startedAt) : undefined,
    })
  }

  /** What the response says of its length, else what its socket wrote for it, headers and framing included. */
  private size(end: RequestEnd): number | undefined {
    const { socket, watch } = this
    const statedBytes = Number.isNaN(this.statedBytes) ? impliedBytes(this.response) : this.statedBytes
    const before = watch?.bytesWritten
    const written = socket?.bytesWritten
    if (watch !== undefined && written !== undefined) watch.bytesWritten = written
    if (Number.isInteger(statedBytes) && end === 'completed') return statedBytes
    if (before === undefined || written === undefined || written <= before) return undefined
    return written - before
  }
}

/** The length of a body that was passed to `end` as a whole. Node.js sends it as Content-Length and keeps it only here. */
function impliedBytes(response: ServerResponse): number {
  const { _contentLength: bytes } = response as { _contentLength?: unknown }
  return typeof bytes === 'number' ? bytes : Number.NaN
}

function watchSocket(socket: WatchedSocket): SocketWatch | undefined {
  const known = socket[kSocketWatch]
  if (known !== undefined || typeof socket.on !== 'function') return known
  const watch: SocketWatch = {
    open: new LinkedList(),
    timedOut: false,
    bytesWritten: socket.bytesWritten ?? 0,
  }
  socket[kSocketWatch] = watch
  socket.on('timeout', timedOut)
  socket.on('close', closed)
  return watch
}

function timedOut(this: WatchedSocket): void {
  const watch = this[kSocketWatch]
  if (watch !== undefined) watch.timedOut = true
}

function closed(this: WatchedSocket): void {
  const open = this[kSocketWatch]?.open
  for (let response = open?.first; response !== undefined; response = open?.first) response.settle(false)
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

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100
}
