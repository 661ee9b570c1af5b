import type { Attributes } from '@opentelemetry/api'
import { serialise } from '../export/observation-attributes.ts'
import { copySpan } from './copy-span.ts'
import { readObservation } from './observation.ts'
import { type MirrorDialect, otel } from './otel.ts'

const SPAN_KINDS: Readonly<Record<string, string>> = {
  generation: 'GENERATION',
  tool: 'TOOL',
  agent: 'AGENT',
  retriever: 'RETRIEVER',
  chain: 'WORKFLOW',
}

/** Tencent Cloud's names, on top of OpenTelemetry's. */
export const tencent: MirrorDialect = (span, options) => {
  const { type, isRoot, served, sessionId, userId, tokens, input, output } = readObservation(span)
  const copy = otel(span, options)
  if (type === undefined) return copy
  const isWorkflow = (isRoot || served !== undefined) && !Object.hasOwn(SPAN_KINDS, type)
  const attributes: Attributes = {
    'gen_ai.span.kind': isWorkflow ? 'WORKFLOW' : (SPAN_KINDS[type] ?? 'TASK'),
  }
  if (isRoot) attributes['gen_ai.is_entry'] = true
  if (sessionId !== undefined) attributes['gen_ai.session.id'] = sessionId
  if (userId !== undefined) attributes['gen_ai.user.id'] = userId
  if (tokens !== undefined) attributes['gen_ai.usage.total_tokens'] = tokens.input + tokens.output
  if (options.contents) {
    const asked = serialise(input)
    const answered = serialise(output)
    if (asked !== undefined) attributes['gen_ai.entity.input'] = asked
    if (answered !== undefined) attributes['gen_ai.entity.output'] = answered
  }
  return copySpan(copy, { attributes: { ...copy.attributes, ...attributes } })
}
