import type { OtlpSpan } from '../otlp/otlp-span.ts'
import type { ChatMessage } from './chat/chat-message.ts'
import { messageText } from './chat/chat-message.ts'
import { readChat } from './chat/read-chat.ts'
import { readType } from './observation-type.ts'
import { readPayloads } from './payload-attributes.ts'

/** What a request was asked and answered, in words. */
export interface Turn {
  question?: string
  answer?: string
}

const questionNames = ['question', 'message', 'prompt', 'query', 'input', 'text', 'content', 'q', 'body']
const answerNames = ['answer', 'reply', 'response', 'text', 'content', 'message', 'output', 'result', 'body']
const userRoles = ['user', 'human']

/** Reads question and answer from the root, or else from the first and last generation. */
export function readTurn(root: OtlpSpan | undefined, spans: readonly OtlpSpan[]): Turn {
  const own = root && readPayloads(root)
  let question = own && asked(own.input)
  let answer = own && answered(own.output)
  if (question === undefined || answer === undefined) {
    const generations = spans.filter(span => span !== root && readType(span) === 'generation')
    const byStart = generations.toSorted((a, b) => a.startTimeMs - b.startTimeMs)
    if (question === undefined && byStart[0]) question = asked(readPayloads(byStart[0]).input)
    const last = byStart.at(-1)
    if (answer === undefined && last) answer = answered(readPayloads(last).output)
  }
  return { ...(question !== undefined && { question }), ...(answer !== undefined && { answer }) }
}

function asked(value: unknown): string | undefined {
  // What the middleware records of a request without capture is no question.
  if (isRecord(value) && typeof value.method === 'string' && !('body' in value)) return undefined
  const messages = readChat(value)?.messages
  if (messages) return lastText(messages.filter(({ role }) => userRoles.includes(role)))
  return plainText(value, questionNames, 0)
}

function answered(value: unknown): string | undefined {
  if (isRecord(value) && 'statusCode' in value && !('body' in value)) return undefined
  const messages = readChat(value)?.messages
  return messages ? lastText(messages) : plainText(value, answerNames, 0)
}

function lastText(messages: readonly ChatMessage[]): string | undefined {
  return messages.map(messageText).findLast(text => text.trim() !== '')
}

function plainText(value: unknown, names: readonly string[], depth: number): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value
  if (!isRecord(value) || depth > 2) return undefined
  for (const name of names) {
    const text = plainText(value[name], names, depth + 1)
    if (text !== undefined) return text
  }
  return undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
