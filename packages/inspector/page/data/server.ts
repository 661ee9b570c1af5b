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

export const fetchTraces = (): Promise<{ traces: TraceSummary[]; dropped: number }> => ask('/api/traces')
export const fetchFacts = (): Promise<InspectorFacts> => ask('/api/inspector')
export const fetchOutline = (id: string): Promise<Outline> => ask(`/api/traces/${id}/outline`)
export const fetchSpan = (id: string, spanId: string): Promise<OtlpSpan> =>
  ask(`/api/traces/${id}/spans/${spanId}`)
export const searchTraces = (text: string): Promise<{ ids: string[] }> =>
  ask(`/api/search?q=${toSegment(text)}`)
export const findInTrace = (id: string, text: string): Promise<{ ids: string[] }> =>
  ask(`/api/traces/${id}/find?q=${toSegment(text)}`)
export const forgetTraces = (): Promise<object> => ask('/api/traces', { method: 'DELETE' })
export const sendOn = (id: string): Promise<{ sentTo: string }> =>
  ask(`/api/traces/${id}/send`, { method: 'POST' })

/** Why the inspector did not answer as hoped. */
export class ServerError extends Error {
  /** HTTP status; 0 if nobody answered. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** What was in an import, and what was refused of it. */
export interface Imported {
  spans: number
  rejected: number
}

/** Imports OTLP/JSON, one document or one a line. */
export async function importSpans(text: string): Promise<Imported> {
  const documents = isJson(text) ? [text] : text.split('\n').filter(line => line.trim() !== '')
  const imported: Imported = { spans: 0, rejected: 0 }
  for (const body of documents) {
    const spans = countSpans(JSON.parse(body))
    const { partialSuccess } = await ask<{ partialSuccess?: { rejectedSpans?: number } }>('/v1/traces', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    const rejected = Number(partialSuccess?.rejectedSpans ?? 0)
    imported.spans += spans - rejected
    imported.rejected += rejected
  }
  return imported
}

function countSpans(document: unknown): number {
  const { resourceSpans } = (document ?? {}) as { resourceSpans?: { scopeSpans?: { spans?: unknown[] }[] }[] }
  if (!Array.isArray(resourceSpans)) return 0
  return resourceSpans
    .flatMap(one => one?.scopeSpans ?? [])
    .reduce((sum, one) => sum + (one?.spans?.length ?? 0), 0)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Asks the inspector; rejects with a ServerError that tells an answer from none. */
export async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  let response: Response
  try {
    response = await fetch(path, init)
  } catch {
    throw new ServerError(0, 'the inspector does not answer: is it still running?')
  }
  const answer = await response.json().catch(() => undefined)
  if (!response.ok) {
    throw new ServerError(response.status, String(answer?.message ?? `status ${response.status}`))
  }
  return answer as T
}
