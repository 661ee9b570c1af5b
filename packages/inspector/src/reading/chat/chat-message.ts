/** A conversation read from an input or output, whichever vendor's shape it came in. */
export interface Conversation {
  messages: ChatMessage[]
  /** Fields beside the messages, such as `tools` or `temperature`, as sent. */
  other: Fields
}

/** One turn of a conversation. */
export interface ChatMessage {
  /** As sent, in lower case. */
  role: string
  parts: ChatPart[]
  /** Fields that no part shows, as sent. */
  other: Fields
}

/** A piece of a turn. */
export type ChatPart =
  | { kind: 'text'; text: string }
  | { kind: 'thinking'; text: string }
  | { kind: 'refusal'; text: string }
  | { kind: 'image'; reference: string }
  | { kind: 'call'; name: string; input: unknown; id: string | undefined }
  | { kind: 'result'; id: string | undefined; content: unknown }
  | { kind: 'other'; value: unknown }

/** A JSON object. */
export type Fields = Record<string, unknown>

/** What is left of an object without the fields that are shown elsewhere. */
export function without(fields: Fields, ...shown: string[]): Fields {
  return Object.fromEntries(
    Object.entries(fields).filter(([key, value]) => value !== undefined && !shown.includes(key)),
  )
}

/** Whether a value is a JSON object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value if it is a string. */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** The value, parsed if it is JSON in a string. */
export function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

/** The text of a message, without calls, results and thinking. */
export function messageText({ parts }: ChatMessage): string {
  return parts.flatMap(part => (part.kind === 'text' ? part.text : [])).join('\n')
}
