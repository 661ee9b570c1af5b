import type { AnswerContent, LlmCall } from '@langfuse-middleware/llm-calls'
import type { Attributes } from '@opentelemetry/api'
import type { Otel } from '../basics/otel.ts'
import { redactText, redactValue } from '../capture/text/credentials.ts'
import { serialise } from '../export/observation-attributes.ts'

/**
 * Metadata that observations of LLM calls have, by `langfuse.observation.metadata.` and the name. Mirrors derive the attributes of other
 * conventions from it.
 */
const CALL_METADATA = {
  provider: 'provider',
  operation: 'operation',
  requestModel: 'requestModel',
  finishReason: 'finishReason',
  responseId: 'responseId',
  serverAddress: 'serverAddress',
  serverPort: 'serverPort',
  statusCode: 'statusCode',
  streamed: 'streamed',
  retries: 'retries',
  end: 'end',
  reasoning: 'reasoning',
} as const

/** Writes the attributes of a call's observation. */
export interface CallWriter {
  /** The name, before the model that answers is known. */
  nameOf(call: LlmCall): string
  atStart(call: LlmCall, input: unknown, contents: boolean): Attributes
  firstToken(call: LlmCall): Attributes
  /** The answer so far, as it is shown while it arrives. */
  outputOf(content: AnswerContent): string | undefined
  atEnd(call: LlmCall, content: AnswerContent, contents: boolean): Attributes
}

const MEDIA = /data:([\w.+-]+\/[\w.+-]+)(?:;[\w.=-]+)*;base64,([\w+/=-]*)/g

/** Creates the writer; media stay in inputs and outputs only if `keepsMedia`, for Langfuse's processor to upload. */
export function createCallWriter({ langfuse }: Otel, keepsMedia: boolean): CallWriter {
  const attribute = langfuse.LangfuseOtelSpanAttributes

  function written(value: unknown): string | undefined {
    const text = serialise(redactValue(value))
    if (text === undefined || keepsMedia || !text.includes(';base64,')) return text
    return text.replace(
      MEDIA,
      (_uri, type: string, base64: string) => `[${type}: ${base64.length} characters of base64]`,
    )
  }

  function metadata(
    attributes: Attributes,
    name: string,
    value: string | number | boolean | undefined,
  ): void {
    if (value !== undefined) attributes[`${attribute.OBSERVATION_METADATA}.${name}`] = String(value)
  }

  function firstToken({ firstTokenAt }: LlmCall): Attributes {
    if (firstTokenAt === undefined) return {}
    return { [attribute.OBSERVATION_COMPLETION_START_TIME]: JSON.stringify(new Date(firstTokenAt)) }
  }

  return {
    nameOf: ({ operation, requestModel }) =>
      requestModel === undefined ? operation : `${operation} ${requestModel}`,
    atStart(call, input, contents) {
      const attributes: Attributes = { [attribute.OBSERVATION_TYPE]: call.type }
      if (call.requestModel !== undefined) attributes[attribute.OBSERVATION_MODEL] = call.requestModel
      if (contents && input !== undefined) attributes[attribute.OBSERVATION_INPUT] = written(input)
      metadata(attributes, CALL_METADATA.provider, call.provider)
      metadata(attributes, CALL_METADATA.operation, call.operation)
      metadata(attributes, CALL_METADATA.requestModel, call.requestModel)
      metadata(attributes, CALL_METADATA.serverAddress, call.serverAddress)
      metadata(attributes, CALL_METADATA.serverPort, call.serverPort)
      if (call.retries > 0) metadata(attributes, CALL_METADATA.retries, call.retries)
      return attributes
    },
    firstToken,
    outputOf: ({ output }) => written(output),
    atEnd(call, content, contents) {
      const attributes = firstToken(call)
      const { model, usage, costUsd, output, reasoning, figures } = content
      const parameters = { ...call.parameters, ...content.parameters }
      if (Object.keys(parameters).length > 0) {
        attributes[attribute.OBSERVATION_MODEL_PARAMETERS] = JSON.stringify(parameters)
      }
      if (model !== undefined) attributes[attribute.OBSERVATION_MODEL] = model
      if (usage !== undefined) attributes[attribute.OBSERVATION_USAGE_DETAILS] = JSON.stringify(usage)
      if (costUsd !== undefined)
        attributes[attribute.OBSERVATION_COST_DETAILS] = JSON.stringify({ total: costUsd })
      if (contents) {
        const text = written(output)
        if (text !== undefined) attributes[attribute.OBSERVATION_OUTPUT] = text
        if (reasoning !== undefined) metadata(attributes, CALL_METADATA.reasoning, redactText(reasoning))
      }
      Object.assign(attributes, levelOf(call, contents))
      metadata(attributes, CALL_METADATA.finishReason, content.finishReason)
      metadata(attributes, CALL_METADATA.responseId, content.id)
      metadata(attributes, CALL_METADATA.statusCode, call.statusCode)
      if (call.firstTokenAt !== undefined) metadata(attributes, CALL_METADATA.streamed, true)
      if (call.end !== 'completed') metadata(attributes, CALL_METADATA.end, call.end)
      for (const [name, value] of Object.entries(figures)) metadata(attributes, name, value)
      return attributes
    },
  }

  function levelOf(call: LlmCall, contents: boolean): Attributes {
    if (call.error !== undefined) {
      // A provider may repeat the question in its message.
      const message = contents
        ? call.error
        : (/^(?:HTTP \d+|timed out|connection closed[^:]*)/.exec(call.error)?.[0] ?? 'error')
      return {
        [attribute.OBSERVATION_LEVEL]: 'ERROR',
        [attribute.OBSERVATION_STATUS_MESSAGE]: redactText(message),
      }
    }
    if (call.end !== 'client_aborted') return {}
    return {
      [attribute.OBSERVATION_LEVEL]: 'WARNING',
      [attribute.OBSERVATION_STATUS_MESSAGE]: 'the application aborted the call',
    }
  }
}
