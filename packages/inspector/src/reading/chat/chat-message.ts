/** One turn of a conversation, whichever vendor's shape it came in. */
export interface ChatMessage {
  role: string
  parts: ChatPart[]
}

/** A piece of a turn. */
export type ChatPart =
  | { kind: 'text'; text: string }
  | { kind: 'image'; reference: string }
  | { kind: 'call'; name: string; input: unknown; id: string | undefined }
  | { kind: 'result'; id: string | undefined; content: unknown }
  | { kind: 'other'; value: unknown }

type Json = Record<string, unknown>

const roles = ['system', 'developer', 'user', 'assistant', 'tool', 'function', 'model', 'human', 'ai']

/** Reads a conversation from an input or an output; `undefined` where it is none. */
export function readChat(value: unknown): ChatMessage[] | undefined {
  if (Array.isArray(value))
    return value.length > 0 && value.every(isMessage) ? value.map(readMessage) : undefined
  if (!isRecord(value)) return undefined
  if (Array.isArray(value.messages)) {
    const messages = readChat(value.messages)
    const { system } = value
    return messages && system != null
      ? [{ role: 'system', parts: readContent(system) }, ...messages]
      : messages
  }
  if (Array.isArray(value.choices)) {
    const messages = value.choices.map(choice => (isRecord(choice) ? choice.message : undefined))
    return readChat(messages)
  }
  return isMessage(value) ? [readMessage(value)] : undefined
}

function isMessage(value: unknown): value is Json {
  return (
    isRecord(value) &&
    typeof value.role === 'string' &&
    roles.includes(value.role.toLowerCase()) &&
    ('content' in value || 'parts' in value || 'tool_calls' in value || 'function_call' in value)
  )
}

function readMessage(message: Json): ChatMessage {
  const { role, content, parts, tool_calls: toolCalls, function_call: functionCall } = message
  const callId = text(message.tool_call_id)
  const pieces = readContent(content ?? parts ?? '')
  const calls = [...(Array.isArray(toolCalls) ? toolCalls : []), ...(functionCall ? [functionCall] : [])]
  return {
    role: String(role).toLowerCase(),
    parts: [
      ...(callId === undefined
        ? pieces
        : [{ kind: 'result' as const, id: callId, content: parsed(content ?? '') }]),
      ...calls.map(readCall),
    ],
  }
}

function readContent(content: unknown): ChatPart[] {
  if (content === '' || content == null) return []
  if (typeof content === 'string') return [{ kind: 'text', text: content }]
  return (Array.isArray(content) ? content : [content]).map(readPart)
}

function readPart(part: unknown): ChatPart {
  if (typeof part === 'string') return { kind: 'text', text: part }
  if (!isRecord(part)) return { kind: 'other', value: part }
  const { type } = part
  const words = text(part.text) ?? (type === 'text' ? text(part.content) : undefined)
  if (words !== undefined) return { kind: 'text', text: words }
  const image = readImage(part)
  if (image !== undefined) return { kind: 'image', reference: image }
  if (type === 'tool_use' || type === 'tool_call' || type === 'function_call' || 'functionCall' in part)
    return readCall(part.functionCall ?? part)
  if (type === 'tool_result' || type === 'tool_call_response') {
    const id = text(part.tool_use_id) ?? text(part.id)
    return { kind: 'result', id, content: part.content ?? part.response ?? part.result }
  }
  return { kind: 'other', value: part }
}

function readImage(part: Json): string | undefined {
  const held = part.image_url ?? part.source ?? part.image ?? part.file ?? part.input_audio
  if (held === undefined && part.type !== 'image') return undefined
  if (typeof held === 'string') return held
  if (!isRecord(held)) return undefined
  const url = text(held.url) ?? text(held.file_id)
  if (url !== undefined) return url
  const data = text(held.data)
  if (data === undefined) return undefined
  return data.startsWith('@@@') || data.startsWith('data:')
    ? data
    : `data:${text(held.media_type) ?? text(held.format) ?? 'application/octet-stream'};base64,${data}`
}

function readCall(call: unknown): ChatPart {
  if (!isRecord(call)) return { kind: 'other', value: call }
  const inner = isRecord(call.function) ? call.function : call
  return {
    kind: 'call',
    name: text(inner.name) ?? 'tool',
    input: parsed(inner.arguments ?? inner.input ?? inner.args ?? {}),
    id: text(call.id),
  }
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
