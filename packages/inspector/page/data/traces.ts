import { computed, signal } from '@preact/signals'
import type { TraceSummary } from '../../src/reading/trace-summary.ts'
import { fetchTraces } from './server.ts'

interface Change {
  traces: TraceSummary[]
  removed: string[]
  dropped?: number
}

/** Every trace that the inspector holds, newest first. */
export const traces = signal<readonly TraceSummary[]>([])

/** Whether the first list has come. */
export const loaded = signal(false)

/** How many traces were dropped to make room for newer ones. */
export const dropped = signal(0)

/** Ids of the traces in the order of the list that was shown last. */
export const listedIds = signal<readonly string[]>([])

/** Whether the page hears of new traces. */
export const connected = signal(false)

/** Whether the list stands still. */
export const paused = signal(false)

/** How many traces came or changed since the list stands still. */
export const heldBack = signal(0)

/** What the last message told of, held back or not. */
export const changedIds = signal<ReadonlySet<string>>(new Set())

/** Whether there is nothing to show yet. */
export const isEmpty = computed(() => loaded.value && traces.value.length === 0)

const retryMs = 1_000
const byId = new Map<string, TraceSummary>()
let waiting: Change[] = []
let stream: EventSource | undefined

/** Keeps the list up to date for as long as the page is seen: a browser has few connections to one address. */
export function watchTraces(): void {
  connect()
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') connect()
    else disconnect()
  })
}

/** Stops or resumes the list; what came in between is shown then. */
export function setPaused(value: boolean): void {
  paused.value = value
  if (!value) release()
}

/** Forgets what is shown. */
export function forgetShown(): void {
  byId.clear()
  waiting = []
  publish()
}

function connect(): void {
  if (stream) return
  stream = new EventSource('/api/events')
  stream.onopen = async () => {
    connected.value = true
    const list = await fetchTraces().catch(() => undefined)
    if (!list) {
      disconnect()
      setTimeout(connect, retryMs)
      return
    }
    const { traces: all } = list
    dropped.value = list.dropped
    // What the stream brings while the list is on its way is newer than the list.
    const meanwhile = waiting
    if (paused.value && loaded.value) {
      waiting = [{ traces: all, removed: [] }, ...meanwhile]
      return
    }
    byId.clear()
    waiting = []
    for (const change of [{ traces: all, removed: [] }, ...meanwhile]) apply(change)
    loaded.value = true
    publish()
  }
  stream.onerror = () => {
    connected.value = false
  }
  stream.addEventListener('change', event => {
    const change = JSON.parse(event.data) as Change
    dropped.value = change.dropped ?? dropped.value
    changedIds.value = new Set([...change.traces.map(({ id }) => id), ...change.removed])
    waiting.push(change)
    if (!loaded.value) return
    if (paused.value) {
      heldBack.value = new Set(waiting.flatMap(one => one.traces.map(({ id }) => id))).size
    } else {
      release()
    }
  })
}

function disconnect(): void {
  stream?.close()
  stream = undefined
  connected.value = false
}

function release(): void {
  for (const change of waiting) apply(change)
  waiting = []
  publish()
}

function apply({ traces: changed, removed }: Change): void {
  for (const trace of changed) byId.set(trace.id, trace)
  for (const id of removed) byId.delete(id)
}

function publish(): void {
  heldBack.value = 0
  traces.value = [...byId.values()].sort((a, b) => b.startTimeMs - a.startTimeMs)
}
