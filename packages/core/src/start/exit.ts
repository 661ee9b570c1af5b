import { constants } from 'node:os'
import type { Log } from '../basics/logger.ts'

/** What is done when the process is about to go. */
export interface ExitHandling {
  /** Removes every listener. */
  stop(): void
}

export interface ExitWork {
  readonly log: Pick<Log, 'warnOnce'>
  /** Sends what has ended, and goes on tracing. */
  flush(): Promise<unknown>
  /** Lets the requests in flight finish, and sends everything. Tracing goes on. */
  leave(): Promise<unknown>
  /** Counts or spools what is still in memory, without waiting. */
  closeNow(): void
  /** A number that rises with everything that is handed to delivery. */
  handedIn(): number
}

// nodemon restarts by SIGUSR2, and a terminal that is closed sends SIGHUP. Windows knows only some of them.
const SIGNALS = (['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const).filter(
  signal => signal in constants.signals && !(process.platform === 'win32' && signal === 'SIGUSR2'),
)
const EAGER_MS = 250

/**
 * On a signal that nobody else listens to, lets the process go as the signal would have: servers stop accepting, requests in flight finish,
 * everything is sent, and the signal is raised again. A second signal meanwhile ends the process at once. If the app listens too, its
 * shutdown is its own: until the process goes, what ends is sent at short intervals. The same holds for process 1, for which the kernel
 * ignores a signal raised again.
 */
export function handleExit(work: ExitWork, signals: boolean): ExitHandling {
  const eager = createEagerFlush(work)
  let flushedUpTo = -1

  // First in line, so that an app's `once` listener is still there to be seen.
  if (signals) for (const signal of SIGNALS) process.prependListener(signal, onSignal)
  process.on('beforeExit', onBeforeExit)
  process.on('exit', onExit)
  return {
    stop() {
      eager.stop()
      ignoreSignals()
      process.removeListener('beforeExit', onBeforeExit)
      process.removeListener('exit', onExit)
    },
  }

  function onSignal(signal: NodeJS.Signals): void {
    // Our listener stays if others listen: they may raise the signal again once they are done, and then it is our turn.
    if (process.listenerCount(signal) > 1) return eager.start()
    if (process.pid === 1) {
      work.log.warnOnce(
        'signal to PID 1',
        `${signal} ends nothing, because this process runs as PID 1 without a handler for it: run it under an init ` +
          '(docker run --init), or handle the signal: await tracing.shutdown({ server }), then process.exit()',
      )
      return eager.start()
    }
    ignoreSignals()
    // Servers keep a process alive until a signal comes; from here on leaving must do so.
    const alive = setInterval(() => {}, 1_000)
    void work.leave().finally(() => {
      clearInterval(alive)
      work.closeNow()
      process.kill(process.pid, signal)
    })
  }

  /** Fires each time the event loop runs empty, which a flush fills again. */
  function onBeforeExit(): void {
    if (work.handedIn() === flushedUpTo) return
    flushedUpTo = work.handedIn()
    void work.flush()
  }

  function onExit(): void {
    work.closeNow()
  }

  function ignoreSignals(): void {
    for (const signal of SIGNALS) process.removeListener(signal, onSignal)
  }
}

/** Flushes now and at short intervals: nobody knows when the process will go. */
function createEagerFlush({ flush }: Pick<ExitWork, 'flush'>): { start(): void; stop(): void } {
  let timer: NodeJS.Timeout | undefined
  let isFlushing = false
  return {
    start() {
      timer ??= setInterval(flushOnce, EAGER_MS).unref()
      flushOnce()
    },
    stop: () => clearInterval(timer),
  }

  function flushOnce(): void {
    if (isFlushing) return
    isFlushing = true
    void flush().finally(() => {
      isFlushing = false
    })
  }
}
