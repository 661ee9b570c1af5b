import type { ServerResponse } from 'node:http'
import type { TraceSummary } from '../reading/trace-summary.ts'

const maxClients = 64
const maxQueuedBytes = 16 * 1024 * 1024
const heartbeatMs = 15_000

/** Pushes what changes to the pages that are open, as server-sent events. */
export interface LiveFeed {
  changed(id: string): void
  /** Keeps a response open; false where there are too many. */
  attach(response: ServerResponse): boolean
  close(): void
}

/** Creates a feed without readers. */
export function createLiveFeed(
  summary: (id: string) => TraceSummary | undefined,
  dropped: () => number,
  leastMs = 100,
): LiveFeed {
  const clients = new Set<ServerResponse>()
  const ids = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let pauseMs = leastMs

  const send = (text: string): void => {
    for (const client of clients) {
      // Who reads too slowly is cut off, comes back by itself and starts from the whole list.
      if (client.writableLength > maxQueuedBytes) client.destroy()
      else client.write(text)
    }
  }

  const flush = (): void => {
    timer = undefined
    const startedMs = performance.now()
    const changed = [...ids].map(id => ({ id, summary: summary(id) }))
    ids.clear()
    const traces = changed.flatMap(one => one.summary ?? [])
    const removed = changed.filter(one => !one.summary).map(one => one.id)
    send(`event: change\ndata: ${JSON.stringify({ traces, removed, dropped: dropped() })}\n\n`)
    // A trace of very many observations takes long to sum up: most of the time stays for receiving it.
    pauseMs = Math.max(leastMs, 5 * (performance.now() - startedMs))
  }

  const heartbeat = setInterval(() => send(': still here\n\n'), heartbeatMs)
  heartbeat.unref()

  return {
    changed(id) {
      if (clients.size === 0) return
      ids.add(id)
      timer ??= setTimeout(flush, pauseMs).unref()
    },
    attach(response) {
      if (clients.size >= maxClients) return false
      clients.add(response)
      response.on('close', () => clients.delete(response))
      response.write('retry: 1000\n\n')
      return true
    },
    close() {
      clearTimeout(timer)
      clearInterval(heartbeat)
      for (const client of clients) client.destroy()
    },
  }
}
