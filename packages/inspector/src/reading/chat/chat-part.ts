import { asText, type ChatPart, type Fields, isFields, parsed, without } from './chat-message.ts'

/** The parts of a message's content, and the fields of each that they do not show. */
export interface Content {
  parts: ChatPart[]
  /** By place, such as `content[1]`. */
  other: Fields
}

/** Reads the content of a message: a string, a part, or a list of parts. */
export function readContent(content: unknown): Content {
  if (content === '' || content == null) return { parts: [], other: {} }
  if (typeof content === 'string') return { parts: [{ kind: 'text', text: content }], other: {} }
  const items = Array.isArray(content) ? content : [content]
  const other: Fields = {}
  const parts = items.map((item, index) => {
    const [part, rest] = readPart(item)
    if (Object.keys(rest).length > 0) other[`content[${index}]`] = rest
    return part
  })
  return { parts, other }
}

/** Reads a tool call of OpenAI, Anthropic, Gemini, the AI SDK, LangChain or OpenInference. */
export function readCall(call: unknown): [ChatPart, Fields] {
  if (!isFields(call)) return [{ kind: 'other', value: call }, {}]
  const held = call.function ?? call.custom ?? call.functionCall ?? call.tool_call ?? call.toolUse
  if (isFields(held) && (isFields(held.function) || isFields(held.custom))) return readCall(held)
  const inner = isFields(held) ? held : call
  const input = inner.arguments ?? inner.input ?? inner.args ?? inner.parameters
  const id = [inner.call_id, inner.toolCallId, inner.toolUseId, call.id, inner.id]
    .map(asText)
    .find(known => known !== undefined)
  const shown = [
    'name',
    'toolName',
    'arguments',
    'input',
    'args',
    'parameters',
    'call_id',
    'toolCallId',
    'id',
  ]
  const outer = without(call, 'type', 'function', 'custom', 'functionCall', 'tool_call', 'toolUse', ...shown)
  return [
    {
      kind: 'call',
      name: asText(inner.name) ?? asText(inner.toolName) ?? 'tool',
      input: parsed(input ?? {}),
      id,
    },
    inner === call ? outer : { ...outer, ...without(inner, 'toolUseId', ...shown) },
  ]
}

function readPart(part: unknown): [ChatPart, Fields] {
  if (typeof part === 'string') return [{ kind: 'text', text: part }, {}]
  if (!isFields(part)) return [{ kind: 'other', value: part }, {}]
  // OpenInference puts each part under its own name.
  if (isFields(part.message_content)) return readPart(part.message_content)
  return (
    readThinking(part) ??
    readText(part) ??
    readImage(part) ??
    readTool(part) ?? [{ kind: 'other', value: part }, {}]
  )
}

function readText(part: Fields): [ChatPart, Fields] | undefined {
  const { type } = part
  if (type === 'refusal') {
    const text = asText(part.refusal)
    return text === undefined ? undefined : [{ kind: 'refusal', text }, without(part, 'type', 'refusal')]
  }
  const text = asText(part.text)
  if (text !== undefined) return [{ kind: 'text', text }, without(part, 'type', 'text')]
  const content = type === 'text' ? asText(part.content) : undefined
  return content === undefined
    ? undefined
    : [{ kind: 'text', text: content }, without(part, 'type', 'content')]
}

/** Thinking of Anthropic, Gemini, Mistral, Bedrock, the AI SDK and OpenTelemetry. */
function readThinking(part: Fields): [ChatPart, Fields] | undefined {
  const bedrock = part.reasoningContent
  if (isFields(bedrock) && isFields(bedrock.reasoningText)) {
    const { text } = bedrock.reasoningText
    return [{ kind: 'thinking', text: asText(text) ?? '' }, without(bedrock.reasoningText, 'text')]
  }
  const { type } = part
  if (type === 'thinking') {
    const text = Array.isArray(part.thinking)
      ? part.thinking.map(piece => (isFields(piece) ? (asText(piece.text) ?? '') : '')).join('')
      : asText(part.thinking)
    return text === undefined ? undefined : [{ kind: 'thinking', text }, without(part, 'type', 'thinking')]
  }
  const isThought = part.thought === true || type === 'reasoning'
  const text = asText(part.text) ?? asText(part.content)
  return isThought && text !== undefined
    ? [{ kind: 'thinking', text }, without(part, 'type', 'text', 'content', 'thought')]
    : undefined
}

const callTypes = ['tool_use', 'server_tool_use', 'tool_call', 'tool-call', 'function_call']
const resultTypes = ['tool_result', 'tool-result', 'tool_call_response', 'function_call_output']

function readTool(part: Fields): [ChatPart, Fields] | undefined {
  const { type } = part
  if (callTypes.includes(String(type)) || isFields(part.functionCall) || isFields(part.toolUse))
    return readCall(part)
  const inner = part.functionResponse ?? part.toolResult
  const result = isFields(inner) ? inner : part
  const isResult = result !== part || resultTypes.includes(String(type)) || /_tool_result$/.test(String(type))
  if (!isResult) return undefined
  const id = [result.tool_use_id, result.toolCallId, result.toolUseId, result.call_id, result.id, result.name]
    .map(asText)
    .find(known => known !== undefined)
  const content = result.content ?? result.response ?? result.result ?? result.output
  const shown = ['type', 'tool_use_id', 'toolCallId', 'toolUseId', 'call_id', 'id', 'name']
  return [
    { kind: 'result', id, content: parsed(content) },
    without(result, ...shown, 'content', 'response', 'result', 'output'),
  ]
}

function readImage(part: Fields): [ChatPart, Fields] | undefined {
  const names = [
    'image_url',
    'source',
    'image',
    'file',
    'input_audio',
    'inlineData',
    'fileData',
    'audio',
    'data',
    'url',
  ]
  const isFile = ['image', 'file', 'document', 'audio', 'input_image', 'input_file'].includes(
    String(part.type),
  )
  const name = names.find((known, index) => part[known] !== undefined && (index < 8 || isFile))
  const reference = name === undefined ? asText(part.file_id) : referenceOf(part[name], part)
  if (reference === undefined) return undefined
  const shown = ['type', 'mediaType', 'mimeType', 'media_type', ...(name ? [name] : ['file_id'])]
  return [{ kind: 'image', reference }, without(part, ...shown)]
}

function referenceOf(held: unknown, part: Fields): string | undefined {
  if (typeof held === 'string') return dataUrl(held, part)
  if (!isFields(held)) return undefined
  const url = asText(held.url) ?? asText(held.file_id) ?? asText(held.fileUri) ?? asText(held.filename)
  const data = asText(held.data) ?? asText(held.file_data) ?? asText(held.bytes)
  return data === undefined ? url : dataUrl(data, held)
}

function dataUrl(text: string, from: Fields): string {
  if (/^(?:data:|@@@|https?:|blob:|file:|gs:|s3:)/.test(text)) return text
  const type = from.media_type ?? from.mediaType ?? from.mimeType ?? from.format
  return type === undefined && !/^[A-Za-z0-9+/=]{40,}$/.test(text)
    ? text
    : `data:${asText(type) ?? 'application/octet-stream'};base64,${text}`
}
