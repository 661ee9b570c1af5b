import type { Attributes } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Otel } from '../basics/otel.ts'
import type { RequestRecord } from '../request/request-record.ts'

/** Gives every observation of a trace one name, user and session, and all tags, whoever set them. */
export interface TraceIdentity {
  /** Identity of a trace: what `request.langfuse` set, else what Langfuse's SDK set on one of `spans`, else the default. */
  settled(record: RequestRecord, spans: readonly ReadableSpan[]): Attributes
  /** Writes the identity of a trace on one of its spans. */
  stamp(span: ReadableSpan, identity: Attributes): void
  /** Fills in what is known of a request on its root. What the app set by Langfuse's SDK stays, and a level is only raised. */
  fillRoot(root: Attributes, record: RequestRecord): void
}

/** Spans made in `runWithContext`, whose user and session are their own. */
export const OVERLAID: WeakSet<ReadableSpan> = new WeakSet()

const LEVELS = ['DEBUG', 'DEFAULT', 'WARNING', 'ERROR']

/** Creates it, with Langfuse's names of attributes. */
export function createTraceIdentity({ langfuse }: Otel): TraceIdentity {
  const attribute = langfuse.LangfuseOtelSpanAttributes
  const OF_PERSON: readonly string[] = [attribute.TRACE_USER_ID, attribute.TRACE_SESSION_ID]
  const UNIQUE: readonly string[] = [attribute.TRACE_NAME, ...OF_PERSON]
  const TAGS = attribute.TRACE_TAGS
  const LEVEL = attribute.OBSERVATION_LEVEL

  return {
    settled({ identity, fixed }, spans) {
      let settled: Attributes | undefined
      for (const span of spans) {
        const { attributes } = span
        for (const name of UNIQUE) {
          const value = attributes[name]
          if (value === undefined || fixed.has(name) || settled?.[name] !== undefined) continue
          if (OVERLAID.has(span) && OF_PERSON.includes(name)) continue
          settled = { ...settled, [name]: value }
        }
        const tags = attributes[TAGS]
        if (!Array.isArray(tags)) continue
        const known = (settled?.[TAGS] ?? identity[TAGS] ?? []) as readonly string[]
        settled = { ...settled, [TAGS]: [...new Set([...known, ...(tags as string[])])] }
      }
      return settled === undefined ? identity : { ...identity, ...settled }
    },
    stamp(span, identity) {
      const { attributes } = span
      for (const name in identity) {
        const isOne =
          name === TAGS || (UNIQUE.includes(name) && !(OF_PERSON.includes(name) && OVERLAID.has(span)))
        if (isOne || attributes[name] === undefined) attributes[name] = identity[name]
      }
    },
    fillRoot(root, { attributes = {}, fixed }) {
      for (const name in attributes) {
        const own = root[name]
        if (name === LEVEL && own !== undefined && !fixed.has(name))
          root[name] = higher(own, attributes[name])
        else if (own === undefined || fixed.has(name)) root[name] = attributes[name]
      }
    },
  }
}

function higher(one: unknown, other: unknown): string {
  return LEVELS.indexOf(String(one)) > LEVELS.indexOf(String(other)) ? String(one) : String(other)
}
