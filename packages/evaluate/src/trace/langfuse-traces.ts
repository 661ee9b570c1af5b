import type { LangfuseClient } from '@langfuse/client'
import { fromLangfuse } from './from-langfuse.ts'
import { isWanted, type StoredTrace, type TraceFilter } from './stored-trace.ts'

const PAGE = 50

/** Reads the traces that pass a filter from Langfuse, newest first. */
export async function tracesOfLangfuse(client: LangfuseClient, filter: TraceFilter): Promise<StoredTrace[]> {
  const found: StoredTrace[] = []
  for (let page = 1; found.length < filter.limit; page++) {
    const { data, meta } = await client.api.trace.list({
      page,
      limit: PAGE,
      fromTimestamp: new Date(filter.since).toISOString(),
      orderBy: 'timestamp.desc',
      ...(filter.tag !== undefined && { tags: filter.tag }),
    })
    for (const { id } of data) {
      if (found.length === filter.limit) break
      const trace = await client.api.trace.get(id)
      const scores = trace.scores.map(score => ({ name: score.name, value: scoreValue(score) }))
      const stored = { trace: fromLangfuse(trace), tags: trace.tags, scores }
      if (isWanted(stored, filter)) found.push(stored)
    }
    if (page >= meta.totalPages) break
  }
  return found
}

/** Categories and truth values come as text, beside a number. */
function scoreValue(score: object): unknown {
  const { value, stringValue, dataType } = score as Record<string, unknown>
  return dataType === 'CATEGORICAL' || dataType === 'TEXT' ? stringValue : value
}
