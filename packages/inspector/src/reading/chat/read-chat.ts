import { readItem } from './chat-item.ts'
import {
  asText,
  type ChatMessage,
  type Conversation,
  type Fields,
  isFields,
  without,
} from './chat-message.ts'
import { readContent } from './chat-part.ts'

/** Reads a conversation from an input or an output; `undefined` if it is none. */
export function readChat(value: unknown): Conversation | undefined {
  try {
    return read(value)
  } catch {
    // A hostile value may be nested deeper than the call stack.
    return undefined
  }
}

function read(value: unknown): Conversation | undefined {
  if (Array.isArray(value)) {
    const messages = readItems(value)
    return messages && { messages, other: {} }
  }
  if (!isFields(value)) return undefined
  for (const shape of shapes) {
    const conversation = shape(value)
    if (conversation) return conversation
  }
  const message = readItem(value)
  return message && { messages: [message], other: {} }
}

type Shape = (value: Fields) => Conversation | undefined

/** Requests and responses by the field that holds their messages. */
const shapes: readonly Shape[] = [
  value => under(value, 'messages', systemOf(value)),
  value => under(value, 'contents', systemOf(value)),
  // OpenAI, chat completions.
  value => under(value, 'choices', []),
  // Gemini.
  value => under(value, 'candidates', []),
  // OpenAI, Responses API: a request, and a response.
  value => ('model' in value || 'instructions' in value ? spoken(value, 'input') : undefined),
  value => under(value, 'input', systemOf(value)),
  value => under(value, 'output', []),
  // Bedrock's Converse.
  value => (isFields(value.output) && isFields(value.output.message) ? held(value, 'output') : undefined),
  // Ollama and Cohere.
  value => (isFields(value.message) ? held(value, 'message') : undefined),
  // LangChain's results.
  value => (Array.isArray(value.generations) ? under(value, 'generations', []) : undefined),
  // The AI SDK's prompts.
  value => ('system' in value || 'model' in value ? spoken(value, 'prompt') : undefined),
]

const systemNames = ['system', 'instructions', 'systemInstruction', 'system_instruction']

function systemOf(value: Fields): ChatMessage[] {
  return systemNames.flatMap(name => {
    const given = value[name]
    if (given == null || given === '') return []
    const content = isFields(given) && 'parts' in given ? given.parts : given
    return [{ role: 'system', ...readContent(content) }]
  })
}

function under(value: Fields, name: string, before: ChatMessage[]): Conversation | undefined {
  const list = value[name]
  const messages = Array.isArray(list) ? readItems(list) : undefined
  if (!messages) return undefined
  const shown = before.length > 0 ? [name, ...systemNames] : [name]
  return { messages: [...before, ...messages], other: without(value, ...shown) }
}

/** A question that is a plain string. */
function spoken(value: Fields, name: string): Conversation | undefined {
  const text = asText(value[name])
  if (text === undefined) return under(value, name, systemOf(value))
  const user: ChatMessage = { role: 'user', parts: [{ kind: 'text', text }], other: {} }
  return { messages: [...systemOf(value), user], other: without(value, name, ...systemNames) }
}

function held(value: Fields, name: string): Conversation | undefined {
  const message = readItem(value[name])
  return message && { messages: [message], other: without(value, name) }
}

/** All items, or `undefined` if one of them is none; a batch of one conversation counts as that. */
function readItems(list: unknown[]): ChatMessage[] | undefined {
  const items = list.length === 1 && Array.isArray(list[0]) ? list[0] : list
  if (items.length === 0) return undefined
  const messages: ChatMessage[] = []
  for (const item of items) {
    const message = readItem(item)
    if (!message) return undefined
    messages.push(message)
  }
  return messages
}
