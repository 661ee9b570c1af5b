import type { OtlpSpan } from '../../src/otlp/otlp-span.ts'
import type { Score } from '../../src/reading/score.ts'
import type { TraceSummary } from '../../src/reading/trace-summary.ts'
import type { OutlineRow } from '../../src/server/trace-outline.ts'
import { toSegment } from './navigation.ts'

/** What the tree of a trace is drawn from. */
export interface Outline {
  summary: TraceSummary
  scores: Score[]
  observations: OutlineRow[]
}

/** What the inspector says about itself. */
export interface InspectorFacts {
  /** The real Langfuse that traces may be sent on to. */
  sendsTo: string | null
}

export const fetchTraces = (): Promise<{ traces: TraceSummary[] }> => ask('/api/traces')
export const fetchFacts = (): Promise<InspectorFacts> => ask('/api/inspector')
export const fetchOutline = (id: string): Promise<Outline> => ask(`/api/traces/${id}/outline`)
export const fetchSpan = (id: string, spanId: string): Promise<OtlpSpan> =>
  ask(`/api/traces/${id}/spans/${spanId}`)
export const searchTraces = (text: string): Promise<{ ids: string[] }> =>
  ask(`/api/search?q=${toSegment(text)}`)
export const forgetTraces = (): Promise<object> => ask('/api/traces', { method: 'DELETE' })
export const sendOn = (id: string): Promise<{ sentTo: string }> =>
  ask(`/api/traces/${id}/send`, { method: 'POST' })

/** Takes OTLP/JSON, one document or one a line; resolves with the number of requests that were kept. */
export async function importSpans(text: string): Promise<number> {
  const documents = isJson(text) ? [text] : text.split('\n').filter(line => line.trim() !== '')
  for (const body of documents) {
    await ask('/v1/traces', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  }
  return documents.length
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(path, init)
  const answer = await response.json()
  if (!response.ok) throw new Error(String(answer?.message ?? `status ${response.status}`))
  return answer as T
}
