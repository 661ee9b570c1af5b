import { EventEmitter } from 'node:events'

type HeaderValues = Record<string, string>

/**
 * A response of the Fetch API as the core watches one, which is by the methods and events of Node.js's responses: `writeHead` before the
 * headers leave, `write` for each chunk, then `finish`, or `close` alone if the body was not read to its end.
 */
export class FetchResponse extends EventEmitter {
  statusCode = 200
  headersSent = false
  writableFinished = false
  private headers: HeaderValues = {}

  getHeader(name: string): string | undefined {
    return this.headers[name.toLowerCase()]
  }

  getHeaders(): HeaderValues {
    return this.headers
  }

  setHeader(name: string, value: unknown): void {
    this.headers[name.toLowerCase()] = String(value)
  }

  writeHead(statusCode: number): void {
    this.statusCode = statusCode
    this.headersSent = true
  }

  write(_chunk: Uint8Array): void {}

  end(): void {
    this.writableFinished = true
    this.emit('finish')
    this.emit('close')
  }

  /** Returns `response` with the headers that were added to it and a body that is watched. `failed` gets the error of a body that breaks. */
  pass(response: Response, failed: (error: unknown) => void): Response {
    const { status, statusText, body } = response
    this.headers = Object.fromEntries(response.headers)
    this.writeHead(status)
    const headers = new Headers(response.headers)
    for (const [name, value] of Object.entries(this.headers)) if (!headers.has(name)) headers.set(name, value)
    if (body === null) this.end()
    return new Response(body && this.watched(body, failed), { status, statusText, headers })
  }

  private watched(
    body: ReadableStream<Uint8Array>,
    failed: (error: unknown) => void,
  ): ReadableStream<Uint8Array> {
    const reader = body.getReader()
    const response = this
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (done) {
            response.end()
            controller.close()
            return
          }
          response.write(value)
          controller.enqueue(value)
        } catch (error) {
          failed(error)
          response.emit('close')
          controller.error(error)
        }
      },
      async cancel(reason) {
        response.emit('close')
        await reader.cancel(reason)
      },
    })
  }
}
