/** What has to be done before the process goes. */
export interface ExitHandling {
  /** Removes every listener. */
  stop(): void
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/**
 * Runs `flush` on SIGTERM, SIGINT and when the event loop runs empty. Where the app has no listener of its own, the signal is raised
 * again after that, so that the exit status is the one a signal gives; a second signal in between ends the process at once.
 */
export function handleExit(flush: () => Promise<unknown>, signals: boolean): ExitHandling {
  let flushedAtExit = false

  function onSignal(signal: NodeJS.Signals): void {
    stop()
    const appListens = process.listenerCount(signal) > 0
    // What keeps a process alive until a signal comes is its server; the flush must keep it alive from here on.
    const alive = setInterval(() => {}, 1_000)
    void flush().finally(() => {
      clearInterval(alive)
      if (!appListens) process.kill(process.pid, signal)
    })
  }

  function onBeforeExit(): void {
    // Fires again each time the loop runs empty, and the flush itself fills the loop.
    if (flushedAtExit) return
    flushedAtExit = true
    void flush()
  }

  function stop(): void {
    for (const signal of SIGNALS) process.removeListener(signal, onSignal)
    process.removeListener('beforeExit', onBeforeExit)
  }

  if (signals) for (const signal of SIGNALS) process.on(signal, onSignal)
  process.on('beforeExit', onBeforeExit)
  return { stop }
}
