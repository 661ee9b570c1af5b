import { fromInspector, type InspectorTrace } from './from-inspector.ts'
import { isWanted, type StoredTrace, type TraceFilter } from './stored-trace.ts'

/** Reads the traces that pass a filter from the local inspector, newest first. */
export async function tracesOfInspector(baseUrl: string, filter: TraceFilter): Promise<StoredTrace[]> {
  const { traces } = await read<{ traces: { id: string; startTimeMs: number }[] }>(baseUrl, '/api/traces')
  const found: StoredTrace[] = []
  for (const { id, startTimeMs } of traces) {
    if (found.length === filter.limit) break
    if (startTimeMs < filter.since) continue
    const trace = await read<InspectorTrace>(baseUrl, `/api/traces/${id}`)
    const stored = { trace: fromInspector(trace), tags: trace.tags, scores: trace.scores }
    if (isWanted(stored, filter)) found.push(stored)
  }
  return found
}

async function read<T>(baseUrl: string, path: string): Promise<T> {
  const response = await fetch(new URL(path, baseUrl))
  if (!response.ok) throw new Error(`the inspector at ${baseUrl} answered ${response.status} to ${path}`)
  return (await response.json()) as T
}
