import type { LlmCall } from '@langfuse-middleware/llm-calls'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Otel } from '../basics/otel.ts'

/** Adds to an observation what it lacks of the call that it describes: first token, the model that answered, tokens, cost and error. */
export type Filler = (described: ReadableSpan, seen: ReadableSpan, call: LlmCall) => void

// Where other conventions state the same.
const USAGES = [
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.prompt_tokens',
  'llm.token_count.total',
  'llm.token_count.prompt',
  'ai.usage.promptTokens',
]

/** Creates the filler. */
export function createFiller({ langfuse }: Otel): Filler {
  const attribute = langfuse.LangfuseOtelSpanAttributes

  return ({ attributes, status }, { attributes: seen }, call) => {
    attributes[attribute.OBSERVATION_COMPLETION_START_TIME] ??=
      seen[attribute.OBSERVATION_COMPLETION_START_TIME]
    const model = attributes[attribute.OBSERVATION_MODEL]
    const answered = seen[attribute.OBSERVATION_MODEL]
    const isAlias = model === call.requestModel && typeof answered === 'string' && model !== answered
    const isNamed = ['gen_ai.request.model', 'gen_ai.response.model', 'llm.model_name', 'ai.model.id'].some(
      name => attributes[name] !== undefined,
    )
    if (isAlias || (model === undefined && !isNamed)) attributes[attribute.OBSERVATION_MODEL] = answered
    const hasUsage = [attribute.OBSERVATION_USAGE_DETAILS, ...USAGES].some(
      name => attributes[name] !== undefined,
    )
    if (!hasUsage) attributes[attribute.OBSERVATION_USAGE_DETAILS] = seen[attribute.OBSERVATION_USAGE_DETAILS]
    if (!hasUsage || attributes[attribute.OBSERVATION_COST_DETAILS] === undefined) {
      attributes[attribute.OBSERVATION_COST_DETAILS] ??= seen[attribute.OBSERVATION_COST_DETAILS]
    }
    const hasError = attributes[attribute.OBSERVATION_LEVEL] === 'ERROR' || status.code === 2
    if (call.error !== undefined && !hasError) {
      attributes[attribute.OBSERVATION_LEVEL] = 'ERROR'
      attributes[attribute.OBSERVATION_STATUS_MESSAGE] ??= seen[attribute.OBSERVATION_STATUS_MESSAGE]
    }
    for (const name of Object.keys(attributes)) if (attributes[name] === undefined) delete attributes[name]
  }
}
