import type { OtlpSpan } from './otlp-span.ts'
import type { TraceParts, TraceStore } from './trace-store.ts'

/** Finds text in traces. */
export interface TraceSearch {
  /** Ids of the traces in which every word of a query occurs, in whatever case. */
  find(query: string): Set<string>
  changed(id: string): void
  close(): void
}

/** Creates a search over everything that a store holds. */
export function createTraceSearch(store: TraceStore): TraceSearch {
  return {
    find: query => scanTraces(heldTraces(store), query),
    changed() {},
    close() {},
  }
}

function* heldTraces(store: TraceStore): Generator<[string, TraceParts]> {
  for (const id of store.ids()) {
    const parts = store.parts(id)
    if (parts) yield [id, parts]
  }
}

/** The words of a query: what is in quotes is one. */
export function searchTerms(query: string): string[] {
  return [...query.slice(0, 1_000).matchAll(/"([^"]+)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!)
}

/** What of a span can be found: its name, its message and the text of its attributes. */
export function* searchableTexts(span: OtlpSpan): Generator<string> {
  yield span.name
  yield span.status.message
  for (const value of Object.values(span.attributes)) {
    if (typeof value === 'string') yield value
    else if (Array.isArray(value)) for (const item of value) if (typeof item === 'string') yield item
  }
}

/** Looks through everything held, one text after the other. */
export function scanTraces(traces: Iterable<[id: string, parts: TraceParts]>, query: string): Set<string> {
  const patterns = searchTerms(query).map(term => new RegExp(escapePattern(term), 'i'))
  const found = new Set<string>()
  for (const [id, { ended, running }] of traces) {
    const isIn = (pattern: RegExp): boolean => {
      if (pattern.test(id)) return true
      for (const span of [...ended, ...running]) {
        for (const text of searchableTexts(span)) if (pattern.test(text)) return true
      }
      return false
    }
    if (patterns.every(isIn)) found.add(id)
  }
  return found
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
