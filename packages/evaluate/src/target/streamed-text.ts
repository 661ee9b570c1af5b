import { createParser } from 'eventsource-parser'

/** Joins the text of a streamed answer as its pieces arrive. */
export interface StreamedText {
  /** Takes a piece of the stream; returns the text so far. */
  push(chunk: string): string
}

/**
 * Reads the text of server-sent events: JSON strings, chunks of OpenAI and Anthropic, text parts of the AI SDK, or plain text.
 */
export function createStreamedText(): StreamedText {
  let text = ''
  const parser = createParser({
    onEvent({ data }) {
      text += textOfEvent(data)
    },
  })
  return {
    push(chunk) {
      parser.feed(chunk)
      return text
    },
  }
}

function textOfEvent(data: string): string {
  if (data === '[DONE]') return ''
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    return data
  }
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return ''
  return textOfPart(value as Record<string, unknown>)
}

function textOfPart(part: Record<string, unknown>): string {
  const [choice] = Array.isArray(part.choices) ? (part.choices as Record<string, unknown>[]) : []
  if (choice !== undefined) {
    const delta = choice.delta as { content?: unknown } | undefined
    return asText(delta?.content) || asText(choice.text)
  }
  const { type, delta } = part
  if (type === 'response.output_text.delta' || type === 'text-delta') return asText(delta)
  if (type === 'content_block_delta') return asText((delta as { text?: unknown } | undefined)?.text)
  if (type !== undefined) return ''
  return asText(part.text) || asText(part.content) || asText(part.answer) || asText(delta)
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
