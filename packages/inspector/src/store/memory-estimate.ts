import type { Attributes, AttributeValue, OtlpSpan } from '../otlp/otlp-span.ts'
import type { Score } from '../reading/score.ts'

// An object costs a few hundred bytes, its strings two bytes a character.

const measured = new WeakMap<Attributes, number>()

/** Memory that a span takes, roughly. */
export function spanBytes(span: OtlpSpan): number {
  const lists = [...span.events, ...span.links].reduce(
    (sum, { attributes }) => sum + 200 + valueBytes(attributes),
    0,
  )
  const texts = 2 * (span.name.length + span.status.message.length)
  return 500 + texts + lists + valueBytes(span.attributes) + resourceBytes(span.resource)
}

/** Memory that a score takes, roughly. */
export function scoreBytes(score: Score): number {
  return 300 + 2 * JSON.stringify(score).length
}

/** All spans of a request have one resource, which is measured once. */
function resourceBytes(resource: Attributes): number {
  const bytes = measured.get(resource) ?? valueBytes(resource)
  measured.set(resource, bytes)
  return bytes
}

function valueBytes(value: AttributeValue | Attributes): number {
  if (typeof value === 'string') return 20 + 2 * value.length
  if (typeof value !== 'object' || value === null) return 8
  let bytes = 50
  for (const key in value) bytes += 40 + 2 * key.length + valueBytes((value as Attributes)[key]!)
  return bytes
}
