import type { Attributes, OtlpSpan, SpanEvent, SpanLink } from '../otlp/otlp-span.ts'
import { attributeName } from './attribute-name.ts'
import { defined, firstValue, readMetadata } from './attribute-reading.ts'
import { type ObservationFacts, readFacts } from './observation-facts.ts'

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
export function toObservation(span: OtlpSpan): Observation {
  const { attributes, resource, scope, events, links } = span
  return {
    ...readFacts(span),
    orphan: false,
    children: [],
    ...defined({
      input: firstValue(attributes, [
        attributeName.observationInput,
        'gen_ai.input.messages',
        'gen_ai.prompt',
      ]),
      output: firstValue(attributes, [
        attributeName.observationOutput,
        'gen_ai.output.messages',
        'gen_ai.completion',
      ]),
      modelParameters: firstValue(attributes, [attributeName.observationModelParameters]),
    }),
    metadata: {
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
