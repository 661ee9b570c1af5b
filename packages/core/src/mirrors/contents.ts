import type { Attributes } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { CONTENT } from '../export/content-attributes.ts'
import { copySpan } from './copy-span.ts'

// A provider's error message may repeat the question.
const OTHER_CONTENT: readonly RegExp[] = [
  /^langfuse\.(?:trace|observation)\.(?:input|output)$/,
  /^langfuse\.observation\.(?:status_message|metadata\.(?:reasoning|error))$/,
  /^langfuse\.experiment\.item\.expected_output$/,
  /^(?:gen_ai\.(?:entity|retrieval)\..*|tool\.parameters)$/,
  /^(?:embedding\.embeddings|retrieval\.documents|reranker\.(?:input_documents|output_documents|query))\b/,
]

/** A copy of a span without what was asked and answered, under the names of any convention. */
export function withoutContents(span: ReadableSpan): ReadableSpan {
  const { message: _message, ...status } = span.status
  return copySpan(span, {
    attributes: stripped(span.attributes),
    status,
    events: span.events.map(event =>
      event.attributes === undefined ? event : { ...event, attributes: stripped(event.attributes) },
    ),
  })
}

function stripped(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !isContent(name)))
}

function isContent(name: string): boolean {
  return CONTENT.test(name) || OTHER_CONTENT.some(pattern => pattern.test(name))
}
