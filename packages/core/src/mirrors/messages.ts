import { fields, text } from './observation.ts'

/** A part of a message, as OpenTelemetry's GenAI conventions define them. */
type MessagePart =
  | { readonly type: 'text' | 'reasoning'; readonly content: string }
  | {
      readonly type: 'tool_call'
      readonly id: string | null
      readonly name: string
      readonly arguments: unknown
    }
  | { readonly type: 'tool_call_response'; readonly id: string | null; readonly response: unknown }
  | { readonly type: 'uri'; readonly modality: string; readonly uri: string }
  | {
      readonly type: 'blob'
      readonly modality: string
      readonly mime_type: string
      readonly content: string
    }

export interface Message {
  readonly role: string
  readonly parts: readonly MessagePart[]
}

/** What a model was asked. */
export interface Prompt {
  /** Instructions that are given apart from the messages. */
  readonly instructions: readonly MessagePart[]
  readonly messages: readonly Message[]
}

type Fields = Readonly<Record<string, unknown>>

/** Roles of items that OpenAI's responses have in place of messages. */
const ROLES: Readonly<Record<string, string>> = {
  function_call: 'assistant',
  reasoning: 'assistant',
  function_call_output: 'tool',
}

/** Reads the input of a generation: the body of any provider's API, a list of messages, or text. */
export function promptOf(input: unknown): Prompt {
  const body = fields(input)
  const instructions =
    body.system ?? body.instructions ?? body.systemInstruction ?? body.system_instruction ?? []
  const asked = body.messages ?? body.contents ?? body.input ?? body.prompt ?? input
  return { instructions: partsOf(contentOf(instructions)), messages: messagesOf(asked, 'user') }
}

/** Reads a list of messages, one message, or text by `role`. */
export function messagesOf(value: unknown, role: string): Message[] {
  if (value === undefined || value === null || value === '') return []
  const list = Array.isArray(value) ? value : [value]
  return list.map(item => messageOf(item, role)).filter(({ parts }) => parts.length > 0)
}

function messageOf(item: unknown, otherwise: string): Message {
  const message = fields(item)
  const type = String(message.type)
  const role = text(message.role) ?? ROLES[type] ?? otherwise
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls : []
  const media = Array.isArray(message.media) ? message.media : []
  const content = contentOf(item)
  const parts = [
    ...(role === 'tool' && type !== 'function_call_output'
      ? [toolResponse(message.tool_call_id ?? message.toolCallId, content)]
      : partsOf(content)),
    ...calls.flatMap(partOf),
    ...media.flatMap(uri => mediaPart(uri)),
  ]
  return { role: role === 'model' ? 'assistant' : role, parts }
}

/** The content of a message; the value itself if it is none. */
function contentOf(item: unknown): unknown {
  const message = fields(item)
  if ('content' in message) return message.content
  if ('parts' in message) return message.parts
  // An assistant's message may consist of its calls alone.
  return 'tool_calls' in message ? null : item
}

function partsOf(content: unknown): MessagePart[] {
  if (content === undefined || content === null || content === '') return []
  return (Array.isArray(content) ? content : [content]).flatMap(partOf)
}

function partOf(value: unknown): MessagePart[] {
  if (typeof value !== 'object' || value === null) return [{ type: 'text', content: String(value) }]
  const part = value as Fields
  return (
    reasoningPart(part) ??
    callPart(part) ??
    responsePart(part) ??
    imagePart(part) ??
    textPart(part) ?? [{ type: 'text', content: JSON.stringify(part) }]
  )
}

function textPart(part: Fields): MessagePart[] | undefined {
  const content = text(part.text) ?? text(part.refusal) ?? text(part.content)
  return content === undefined ? undefined : [{ type: 'text', content }]
}

function reasoningPart(part: Fields): MessagePart[] | undefined {
  const bedrock = text(fields(fields(part.reasoningContent).reasoningText).text)
  const isThought = part.thought === true || part.type === 'reasoning' || part.type === 'thinking'
  const summary = Array.isArray(part.summary) ? part.summary.map(piece => fields(piece).text).join('\n') : ''
  const thought = text(part.thinking) ?? text(part.text) ?? text(part.content) ?? text(summary)
  // Thoughts may come encrypted, without a text.
  if (isThought) return thought === undefined ? [] : [{ type: 'reasoning', content: thought }]
  return bedrock === undefined ? undefined : [{ type: 'reasoning', content: bedrock }]
}

function callPart(part: Fields): MessagePart[] | undefined {
  const called = [part.function, part.functionCall, part.toolUse].find(inner => text(fields(inner).name))
  const isCall = /^(?:(?:server_)?tool_use|tool[_-]call|function_call)$/.test(String(part.type))
  if (called === undefined && !isCall) return undefined
  const call = fields(called ?? part)
  const id = part.call_id ?? part.id ?? part.toolCallId ?? call.id ?? call.toolUseId
  const given = call.arguments ?? call.args ?? call.input
  const name = text(call.name) ?? text(call.toolName) ?? ''
  return [{ type: 'tool_call', id: text(id) ?? null, name, arguments: json(given) }]
}

function responsePart(part: Fields): MessagePart[] | undefined {
  const inner = part.functionResponse ?? part.toolResult
  const isResponse = /^(?:tool[_-]result|tool_call_response|function_call_output)$/.test(String(part.type))
  if (inner === undefined && !isResponse) return undefined
  const result = fields(inner ?? part)
  const id =
    result.tool_use_id ?? result.toolUseId ?? result.call_id ?? result.toolCallId ?? result.id ?? result.name
  return [toolResponse(id, result.content ?? result.response ?? result.output ?? result.result)]
}

function imagePart(part: Fields): MessagePart[] | undefined {
  const image = part.image_url
  const uri = typeof image === 'string' ? image : fields(image).url
  if (uri !== undefined) return mediaPart(uri)
  const source = fields(part.source ?? part.inlineData ?? part.inline_data)
  const type = text(source.media_type ?? source.mimeType ?? source.mime_type)
  const content = text(source.data)
  if (type === undefined || content === undefined)
    return source.url === undefined ? undefined : mediaPart(source.url)
  return [{ type: 'blob', modality: modalityOf(type), mime_type: type, content }]
}

function mediaPart(uri: unknown): MessagePart[] {
  if (typeof uri !== 'string') return []
  const [, type, content] = /^data:([\w.+-]+\/[\w.+-]+)[^,]*,(.*)$/s.exec(uri) ?? []
  if (type === undefined || content === undefined) return [{ type: 'uri', modality: 'image', uri }]
  return [{ type: 'blob', modality: modalityOf(type), mime_type: type, content }]
}

function modalityOf(mimeType: string): string {
  return /^(?:image|audio|video)(?=\/)/.exec(mimeType)?.[0] ?? 'document'
}

function toolResponse(id: unknown, response: unknown): MessagePart {
  return { type: 'tool_call_response', id: text(id) ?? null, response: json(response) }
}

/** Arguments often are JSON in a text. */
function json(value: unknown): unknown {
  if (typeof value !== 'string') return value ?? null
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
