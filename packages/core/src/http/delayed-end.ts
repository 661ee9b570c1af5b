import type { ServerResponse } from 'node:http'

/**
 * Delays the end of `response`, with the last chunk, until `before` resolves. A platform that freezes a process once its response is out can
 * then still be used to send. Until then the response says that it has ended, so that the app does not answer a second time.
 */
export function delayEnd(response: ServerResponse, before: () => Promise<unknown>): void {
  const { end } = response
  let isHeld = false

  response.end = (...args: unknown[]) => {
    if (isHeld) return response
    isHeld = true
    for (const name of ['headersSent', 'writableEnded'])
      Object.defineProperty(response, name, { configurable: true, value: true })
    void before().finally(() => {
      for (const name of ['headersSent', 'writableEnded']) Reflect.deleteProperty(response, name)
      Reflect.apply(end, response, args)
    })
    return response
  }
}
