/** What has to be done before the process goes. */
export interface ExitHandling {
  /** Removes every listener. */
  stop(): void
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

interface ExitWork {
  /** Sends what has ended, and goes on tracing. */
  flush(): Promise<unknown>
  /** Ends what is open, sends everything, and stops. */
  shutdown(): Promise<unknown>
}

/**
 * Shuts down on SIGTERM and SIGINT, then raises the signal again, so that the exit status is the one a signal gives; a second signal in
 * between ends the process at once. Where the app listens itself, its shutdown is its own, and what has ended is only sent. So it is when
 * the event loop runs empty.
 */
export function handleExit(work: ExitWork, signals: boolean): ExitHandling {
  let flushedAtExit = false

  function onSignal(signal: NodeJS.Signals): void {
    // Ours stays where others listen: they may raise the signal again once they are done, and then it is our turn.
    if (process.listenerCount(signal) > 1) {
      void work.flush()
      return
    }
    ignoreSignals()
    // What keeps a process alive until a signal comes is its server; the shutdown must keep it alive from here on.
    const alive = setInterval(() => {}, 1_000)
    void work.shutdown().finally(() => {
      clearInterval(alive)
      process.kill(process.pid, signal)
    })
  }

  function onBeforeExit(): void {
    // Fires again each time the loop runs empty, and the flush itself fills the loop.
    if (flushedAtExit) return
    flushedAtExit = true
    void work.flush()
  }

  function ignoreSignals(): void {
    for (const signal of SIGNALS) process.removeListener(signal, onSignal)
  }

  // First in line, so that an app's `once` listener is still there to be seen.
  if (signals) for (const signal of SIGNALS) process.prependListener(signal, onSignal)
  process.on('beforeExit', onBeforeExit)
  return {
    stop() {
      ignoreSignals()
      process.removeListener('beforeExit', onBeforeExit)
    },
  }
}
