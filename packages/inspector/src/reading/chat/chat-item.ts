import {
  asText,
  type ChatMessage,
  type ChatPart,
  type Fields,
  isFields,
  parsed,
  without,
} from './chat-message.ts'
import { readCall, readContent } from './chat-part.ts'

const roles = [
  'system',
  'developer',
  'user',
  'assistant',
  'tool',
  'function',
  'model',
  'human',
  'ai',
  'data',
  'chatbot',
  'agent',
]

/** Reads one item of a conversation; `undefined` if it is none. */
export function readItem(item: unknown): ChatMessage | undefined {
  if (!isFields(item)) return undefined
  // Gemini's contents may leave the role out.
  const whole = Array.isArray(item.parts) && item.role === undefined ? { ...item, role: 'user' } : item
  return readSerialised(whole) ?? readResponsesItem(whole) ?? readWrapped(whole) ?? readMessage(whole)
}

/** LangChain's messages: `{ lc, id, kwargs }`, `{ type, data }` and `{ type, content }`. */
function readSerialised(item: Fields): ChatMessage | undefined {
  const { type, kwargs, data } = item
  if (isFields(kwargs) && Array.isArray(item.id)) {
    const role = langChainRole(String(item.id.at(-1)))
    return role === undefined
      ? undefined
      : readBody(role, kwargs, [], without(item, 'lc', 'type', 'id', 'kwargs'))
  }
  const role = typeof type === 'string' ? langChainRole(type) : undefined
  if (role === undefined || 'role' in item) return undefined
  if (isFields(data)) return readBody(role, data, [], without(item, 'type', 'data'))
  return 'content' in item ? readBody(role, item, ['type'], {}) : undefined
}

function langChainRole(name: string): string | undefined {
  const short = name.toLowerCase().replace(/message(?:chunk)?$/, '')
  return ['human', 'ai', 'system', 'tool', 'function', 'chat', 'generic'].includes(short) ? short : undefined
}

/** Items of OpenAI's Responses API other than messages. */
function readResponsesItem(item: Fields): ChatMessage | undefined {
  const { type } = item
  if (typeof type !== 'string' || 'role' in item) return undefined
  if (type === 'reasoning' && ('summary' in item || 'encrypted_content' in item)) {
    const pieces = [item.summary, item.content].flatMap(list => (Array.isArray(list) ? list : []))
    const parts = pieces.map((piece): ChatPart => {
      const text = isFields(piece) ? asText(piece.text) : undefined
      return text === undefined ? { kind: 'other', value: piece } : { kind: 'thinking', text }
    })
    return { role: 'assistant', parts, other: without(item, 'type', 'summary', 'content') }
  }
  if (type === 'function_call' || type === 'custom_tool_call') {
    const [part, other] = readCall(item)
    return { role: 'assistant', parts: [part], other }
  }
  if (type === 'function_call_output' || type === 'custom_tool_call_output') {
    const id = asText(item.call_id)
    const part: ChatPart = { kind: 'result', id, content: parsed(item.output) }
    return { role: 'tool', parts: [part], other: without(item, 'type', 'call_id', 'output') }
  }
  const isCall = /_call(?:_output)?$|^item_reference$|^mcp_|^compaction$/.test(type)
  return isCall ? { role: 'assistant', parts: [{ kind: 'other', value: item }], other: {} } : undefined
}

/** OpenInference's `{ message }`, and a choice or candidate of a response. */
function readWrapped(item: Fields): ChatMessage | undefined {
  const held = item.message ?? item.content
  if ('role' in item || !isFields(held)) return undefined
  const role = held.role ?? ('parts' in held ? 'model' : undefined)
  const message = role === undefined ? readSerialised(held) : readMessage({ ...held, role })
  const name = item.message === undefined ? 'content' : 'message'
  return message && { ...message, other: { ...message.other, ...without(item, name) } }
}

function readMessage(message: Fields): ChatMessage | undefined {
  const { role } = message
  if (typeof role !== 'string' || !roles.includes(role.toLowerCase())) return undefined
  const isMessage = [
    'content',
    'parts',
    'contents',
    'tool_calls',
    'function_call',
    'refusal',
    'reasoning_content',
  ]
  return isMessage.some(name => name in message)
    ? readBody(role.toLowerCase(), message, ['role'], {})
    : undefined
}

const drawn = ['content', 'parts', 'contents', 'tool_calls', 'function_call', 'tool_call_id', 'refusal']

function readBody(role: string, body: Fields, shown: string[], beside: Fields): ChatMessage {
  const thinking = thinkingOf(body)
  const refusal = asText(body.refusal)
  const callId = asText(body.tool_call_id)
  const content = readContent(body.content ?? body.parts ?? body.contents ?? '')
  const given = parsed(body.tool_calls)
  const calls = [...(Array.isArray(given) ? given : []), ...(body.function_call ? [body.function_call] : [])]
  const other: Fields = { ...content.other }
  const callParts = calls.map((call, index) => {
    const [part, rest] = readCall(call)
    if (Object.keys(rest).length > 0) other[`tool_calls[${index}]`] = rest
    return part
  })
  // A list of parts in a tool's message has the call's id in each of them.
  const result: ChatPart[] =
    callId === undefined
      ? content.parts
      : [{ kind: 'result', id: callId, content: parsed(body.content ?? '') }]
  const drawnHere = drawn.filter(name => name !== 'refusal' || refusal !== undefined)
  return {
    role,
    parts: [
      ...(thinking ? [{ kind: 'thinking' as const, text: thinking.text }] : []),
      ...result,
      ...(refusal === undefined ? [] : [{ kind: 'refusal' as const, text: refusal }]),
      ...callParts,
    ],
    other: {
      ...other,
      ...without(body, ...drawnHere, ...shown, ...(thinking ? [thinking.name] : [])),
      ...beside,
    },
  }
}

/** What a model thought, by the names of DeepSeek, OpenRouter and vLLM, and Ollama. */
function thinkingOf(body: Fields): { name: string; text: string } | undefined {
  for (const name of ['reasoning_content', 'reasoning', 'thinking']) {
    const text = asText(body[name])
    if (text) return { name, text }
  }
  return undefined
}
