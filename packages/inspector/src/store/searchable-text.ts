import type { OtlpSpan } from '../otlp/otlp-span.ts'

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
