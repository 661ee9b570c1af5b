/** An HTTP request of this process, as undici or Node's http client make it. */
export interface OutgoingRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  /** Host name without port. */
  host(): string
  port(): number | undefined
  /** Read only for requests to an LLM. */
  headers(): Iterable<readonly [name: string, value: string]>
}

/** The head of its response. */
export interface ResponseHead {
  readonly statusCode: number
  header(name: string): string | undefined
}

/** How an exchange ended. */
export type End =
  | 'completed'
  /** The app aborted it, or stopped reading. */
  | 'client_aborted'
  | 'timed_out'
  /** The provider or the network closed the connection. */
  | 'connection_closed'

/** What is told of one request. Nothing here may throw. */
export interface RequestObserver {
  requestChunk(chunk: Uint8Array | string, encoding?: BufferEncoding): void
  requestEnd(): void
  responseHead(head: ResponseHead): void
  responseChunk(chunk: Uint8Array): void
  /** Called once at least; only the first call counts. */
  end(end: End, error?: unknown): void
}

/** Decides, before anything of a request but method and path is read, whether it is observed. */
export type ObserveRequest = (request: OutgoingRequest) => RequestObserver | undefined

/** The header's value among raw pairs of names and values, which are buffers or strings. */
export function rawHeader(headers: unknown, name: string): string | undefined {
  for (const [key, value] of rawPairs(headers)) if (key.toLowerCase() === name) return value
  return undefined
}

/** Pairs of a flat list, or the members of an object. */
export function rawPairs(headers: unknown): [string, string][] {
  if (Array.isArray(headers)) {
    const pairs: [string, string][] = []
    for (let at = 0; at + 1 < headers.length; at += 2) {
      pairs.push([headerText(headers[at]), headerText(headers[at + 1])])
    }
    return pairs
  }
  if (typeof headers === 'string') {
    return headers.split('\r\n').flatMap(line => {
      const colon = line.indexOf(':')
      return colon < 1 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()] as [string, string]]
    })
  }
  return Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)])
}

function headerText(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value)
}

/** Why a request failed: undici and Node name their own errors by code; any other was given by whoever aborted it. */
export function endOf(error: unknown): End {
  const { name, code, message } = (error ?? {}) as { name?: unknown; code?: unknown; message?: unknown }
  if (name === 'TimeoutError' || /TIMEOUT|TIMEDOUT|ECONNABORTED/.test(String(code))) return 'timed_out'
  if (code === 'UND_ERR_ABORTED' || code === 'UND_ERR_DESTROYED' || name === 'AbortError')
    return 'client_aborted'
  if (typeof code === 'string' && /^(?:E[A-Z]|UND_ERR_|HPE_|ERR_(?:SSL|TLS|HTTP2|STREAM)|CERT_)/.test(code)) {
    return 'connection_closed'
  }
  return /timed? ?out/i.test(String(message)) ? 'timed_out' : 'client_aborted'
}
