import { setTimeout as delay } from 'node:timers/promises'
import type { LangfuseClient } from '@langfuse/client'
import type { Recorder } from '@langfuse-middleware/testing'
import { fromInspector, type InspectorTrace } from './from-inspector.ts'
import { fromLangfuse } from './from-langfuse.ts'
import { fromRecorded } from './from-recorded.ts'
import type { RouteTrace } from './route-trace.ts'

/** Where the traces of requests are read. */
export interface TraceSource {
  /** The whole trace; undefined if it has not arrived within `timeoutMs`. */
  get(traceId: string, timeoutMs: number, signal?: AbortSignal): Promise<RouteTrace | undefined>
}

const POLL_MS = 250

/** Reads traces that are recorded in this process. */
export function recorderSource(recorder: Recorder): TraceSource {
  return {
    async get(traceId, timeoutMs) {
      const trace = await recorder.take(traceId, timeoutMs)
      return trace && fromRecorded(trace)
    },
  }
}

/** Reads traces from Langfuse, which shows them some seconds after they ended. */
export function langfuseSource(client: LangfuseClient): TraceSource {
  return polling(async traceId => {
    try {
      const trace = fromLangfuse(await client.api.trace.get(traceId))
      return trace.root === undefined || trace.root.parentId !== undefined ? undefined : trace
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode === 404) return undefined
      throw error
    }
  })
}

/** Reads traces from the local inspector. */
export function inspectorSource(baseUrl: string): TraceSource {
  return polling(async traceId => {
    const response = await fetch(new URL(`/api/traces/${traceId}`, baseUrl))
    if (response.status === 404) return undefined
    if (!response.ok) throw new Error(`the inspector at ${baseUrl} answered ${response.status}`)
    const trace = (await response.json()) as InspectorTrace
    return trace.settled ? fromInspector(trace) : undefined
  })
}

/** True if an inspector answers at this address. */
export async function isInspector(baseUrl: string): Promise<boolean> {
  try {
    const response = await fetch(new URL('/api/inspector', baseUrl), { signal: AbortSignal.timeout(2_000) })
    return response.ok && ((await response.json()) as { name?: string }).name === 'langfuse-inspector'
  } catch {
    return false
  }
}

function polling(read: (traceId: string) => Promise<RouteTrace | undefined>): TraceSource {
  return {
    async get(traceId, timeoutMs, signal) {
      const until = Date.now() + timeoutMs
      for (;;) {
        const trace = await read(traceId)
        if (trace !== undefined || Date.now() > until) return trace
        await delay(POLL_MS, undefined, signal === undefined ? {} : { signal })
      }
    },
  }
}
