/** Settles as `work` does, or rejects after `timeoutMs` or when `outer` aborts; `work` is told by its signal. */
export async function withTimeout<T>(
  what: string,
  timeoutMs: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const stop = (error: Error) => controller.abort(error)
  const timer = setTimeout(() => stop(new Error(`${what} took longer than ${timeoutMs} ms`)), timeoutMs)
  const onAbort = () => stop(new Error('the run was interrupted'))
  outer?.addEventListener('abort', onAbort, { once: true })
  if (outer?.aborted) onAbort()
  try {
    return await Promise.race([
      new Promise<never>((_resolve, reject) => {
        const fail = () => reject(controller.signal.reason)
        if (controller.signal.aborted) fail()
        else controller.signal.addEventListener('abort', fail, { once: true })
      }),
      (async () => {
        controller.signal.throwIfAborted()
        return work(controller.signal)
      })(),
    ])
  } finally {
    clearTimeout(timer)
    outer?.removeEventListener('abort', onAbort)
  }
}
