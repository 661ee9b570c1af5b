import type { Attributes, OtlpSpan, SpanEvent, SpanLink } from '../otlp/otlp-span.ts'
import { attributeName } from './attribute-name.ts'
import { defined, firstValue, readMetadata } from './attribute-reading.ts'
import { type ObservationFacts, readFacts } from './observation-facts.ts'
import { readPayloads } from './payload-attributes.ts'
import type { PriceOf } from './price-of.ts'

/** One span, read the way the Langfuse server reads it. */
export interface Observation extends ObservationFacts {
  /** True where the span names a parent that has not arrived, or that is its own descendant. */
  orphan: boolean
  /** In order of start. */
  children: Observation[]
  /** Parsed where it is a JSON object or array, else the string as sent. */
  input?: unknown
  /** Parsed where it is a JSON object or array, else the string as sent. */
  output?: unknown
  /** Of the observation and of the trace, unflattened one level; values parsed like `input`. */
  metadata: Record<string, unknown>
  modelParameters?: unknown
  /** The instrumentation scope, such as `langfuse-sdk`. */
  scope: string
  /** Every attribute of the span, as sent. */
  attributes: Attributes
  resource: Attributes
  events: SpanEvent[]
  links: SpanLink[]
}

/** Reads a span as an observation without relatives: the trace adds `children` and `orphan`. */
export function toObservation(span: OtlpSpan, priceOf?: PriceOf): Observation {
  const { attributes, resource, scope, events, links } = span
  return {
    ...readFacts(span, priceOf),
    orphan: false,
    children: [],
    ...defined(readPayloads(span)),
    ...defined({ modelParameters: readParameters(span) }),
    metadata: {
      ...readMetadata(attributes, 'ai.telemetry.metadata'),
      ...readMetadata(attributes, attributeName.traceMetadata),
      ...readMetadata(attributes, attributeName.observationMetadata),
    },
    scope,
    attributes,
    resource,
    events,
    links,
  }
}

const requestPrefix = 'gen_ai.request.'

function readParameters({ attributes }: OtlpSpan): unknown {
  const sent = firstValue(attributes, [attributeName.observationModelParameters, 'llm.invocation_parameters'])
  if (sent !== undefined) return sent
  const names = Object.keys(attributes).filter(
    key => key.startsWith(requestPrefix) && key !== 'gen_ai.request.model',
  )
  return names.length === 0
    ? undefined
    : Object.fromEntries(names.map(name => [name.slice(requestPrefix.length), attributes[name]]))
}
