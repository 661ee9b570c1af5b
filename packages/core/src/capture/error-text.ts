import type { RequestLike } from '../http/request-like.ts'
import type { ParsedRequest } from './multipart-body.ts'
import { redactText } from './text/credentials.ts'

/** What a trace may show of an error. */
export interface ShownOfErrors {
  /** False to show the name of an error alone. */
  readonly messages: boolean
  /** False to show nothing of the request's body, which messages of parsers and validators quote. */
  readonly requestBody: boolean
}

/** Shows redacted messages, without anything of the request's body. */
export const DEFAULT_SHOWN_OF_ERRORS: ShownOfErrors = Object.freeze({ messages: true, requestBody: false })

const LONGEST = 1_000
const HIDDEN = '[not shown]'
const MOST_VALUES = 200
const SHORTEST_VALUE = 4
/** Text of a body this long is not found in a message by chance. */
const UNQUOTED_VALUE = 12

/** What an error says, in at most 1000 characters, redacted, and without text of the body unless that is shown. */
export function errorText(error: unknown, shown: ShownOfErrors, request?: RequestLike): string {
  try {
    if (!(error instanceof Error)) return shown.messages ? cut(redactText(textOf(error))) : HIDDEN
    const { name, message } = error
    if (!shown.messages) return String(name)
    if (shown.requestBody) return cut(redactText(`${name}: ${message}`))
    const safe = quotesJson(error)
      ? `not valid JSON, ${HIDDEN}`
      : withoutValues(message.slice(0, 4 * LONGEST), request)
    return cut(redactText(`${name}: ${safe}`))
  } catch {
    return 'an error that cannot be printed'
  }
}

function cut(text: string): string {
  return text.slice(0, LONGEST)
}

function textOf(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null
    ? (JSON.stringify(thrown) ?? 'an object')
    : String(thrown)
}

/** True for an error of JSON.parse, or of a body parser that wraps one: `Unexpected token 'p', "password=…" is not valid JSON`. */
function quotesJson(error: Error): boolean {
  if (/ is not valid JSON$| in JSON at position \d+/.test(error.message)) return true
  return error.name === 'SyntaxError' && /JSON/.test(error.message)
}

/** A message without the values of the body that it quotes, as those of validators do. */
function withoutValues(message: string, request: RequestLike | undefined): string {
  const body = (request as ParsedRequest | undefined)?.body
  if (typeof body === 'string')
    return body.length >= SHORTEST_VALUE ? message.replaceAll(body, HIDDEN) : message
  if (typeof body !== 'object' || body === null) return message
  let result = message
  for (const value of leaves(body)) {
    if (value.length < SHORTEST_VALUE || !result.includes(value)) continue
    if (value.length >= UNQUOTED_VALUE) result = result.replaceAll(value, HIDDEN)
    else
      for (const quote of ['"', "'", '`'])
        result = result.replaceAll(quote + value + quote, quote + HIDDEN + quote)
  }
  return result
}

/** Texts and numbers of a body, the longest first. */
function leaves(body: object): string[] {
  const found: string[] = []
  const open: unknown[] = [body]
  let looked = 0
  while (open.length > 0 && found.length < MOST_VALUES && looked < 10 * MOST_VALUES) {
    const value = open.pop()
    looked += 1
    if (typeof value === 'string') found.push(value)
    else if (typeof value === 'number') found.push(String(value))
    else if (typeof value === 'object' && value !== null)
      open.push(...Object.values(value).slice(0, MOST_VALUES))
  }
  return found.sort((a, b) => b.length - a.length)
}
