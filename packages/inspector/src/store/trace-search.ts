import type { OtlpSpan } from '../otlp/otlp-span.ts'
import { searchableTexts, searchTerms } from './searchable-text.ts'
import type { TraceParts } from './trace-entry.ts'
import { createTraceIndex, type TraceIndex } from './trace-index.ts'
import type { TraceStore } from './trace-store.ts'

/** Finds text in traces. */
export interface TraceSearch {
  /** Ids of the traces in which every word of a query occurs, in whatever case. */
  find(query: string): Set<string>
  changed(id: string): void
  close(): void
}

/** Creates a search over everything that a store holds: an index once it is needed, where Node.js has SQLite. */
export function createTraceSearch(store: Pick<TraceStore, 'ids' | 'parts'>): TraceSearch {
  let index: TraceIndex | undefined
  let isClosed = false
  let isStarted = false

  const start = async (): Promise<void> => {
    const created = await createTraceIndex(store.parts)
    if (isClosed) created?.close()
    else index = created
    for (const id of store.ids()) index?.changed(id)
  }

  const scan = (ids: Iterable<string>, query: string): string[] => {
    const patterns = searchTerms(query).map(term => new RegExp(escapePattern(term), 'i'))
    return [...ids].filter(id => {
      const parts = store.parts(id)
      return parts !== undefined && patterns.every(pattern => pattern.test(id) || occurs(pattern, parts))
    })
  }

  return {
    find(query) {
      if (!isStarted) void start()
      isStarted = true
      const indexed = index?.find(query)
      if (!index || !indexed) return new Set(scan(store.ids(), query))
      const unindexed = new Set(index.unindexed())
      return new Set([...indexed.filter(id => !unindexed.has(id)), ...scan(unindexed, query)])
    },
    changed: id => index?.changed(id),
    close() {
      isClosed = true
      index?.close()
      index = undefined
    },
  }
}

/** Ids of the spans in which a word of a query occurs. */
export function findSpans(spans: readonly OtlpSpan[], query: string): string[] {
  const patterns = searchTerms(query).map(term => new RegExp(escapePattern(term), 'i'))
  return spans.filter(span => patterns.some(pattern => occursIn(pattern, span))).map(({ spanId }) => spanId)
}

function occurs(pattern: RegExp, { ended, running }: TraceParts): boolean {
  return [...ended, ...running].some(span => occursIn(pattern, span))
}

function occursIn(pattern: RegExp, span: OtlpSpan): boolean {
  for (const text of searchableTexts(span)) if (pattern.test(text)) return true
  return false
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
