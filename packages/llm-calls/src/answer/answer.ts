import { type BoundedText, type ByteBudget, createBoundedText } from './bounded-text.ts'
import { createToolCalls, type ToolCall, type ToolCalls, type ToolPiece } from './tool-calls.ts'
import { bucketsOf, type Usage, type UsageReader } from './usage.ts'

/** An assistant's message, in the form that Langfuse shows as chat. */
export interface AssistantMessage {
  readonly role: 'assistant'
  readonly content: string | null
  readonly tool_calls?: readonly ToolCall[]
  /** Images and sounds, as data URIs. */
  readonly media?: readonly string[]
}

/** What an answer says about itself. */
export interface AnswerFacts {
  /** The provider's id of the response. */
  id?: string | undefined
  /** The model that answered. */
  model?: string | undefined
  /** Why generation stopped, in the provider's words. */
  finishReason?: string | undefined
  /** What the provider charged, in USD. */
  costUsd?: number | undefined
  /** The provider's message, if it reported an error. */
  error?: string | undefined
}

/** An answer, whole or so far. */
export interface AnswerContent extends Readonly<Omit<AnswerFacts, 'error'>> {
  /** The message, a list of them if there were several choices, plain text of a completion, or results; undefined if nothing came. */
  readonly output: unknown
  /** What the model thought, which is no part of its answer. */
  readonly reasoning: string | undefined
  readonly usage: Usage | undefined
  /** Parameters that the provider reports as in force, such as `service_tier`. */
  readonly parameters: Readonly<Record<string, string>>
  /** Figures besides tokens, such as the number of embeddings. */
  readonly figures: Readonly<Record<string, number>>
}

/** Collects an answer while it arrives. Values of a wrong type are ignored. */
export interface Answer {
  /** True once something was generated: text, reasoning or a tool call. */
  readonly started: boolean
  readonly error: string | undefined
  /** Adds text to the message of a choice. */
  text(delta: unknown, choice?: unknown): void
  reasoning(delta: unknown): void
  tool(piece: ToolPiece, choice?: unknown): void
  /** Adds base64 of an image or a sound. */
  media(mimeType: unknown, base64: unknown, choice?: unknown): void
  /** Adds a result that is not a message. */
  result(value: unknown): void
  /** States facts; undefined, null and empty values are ignored, an error that is known stays. */
  state(facts: { readonly [Name in keyof AnswerFacts]: unknown }): void
  /** States a parameter that is in force. */
  parameter(name: string, value: unknown): void
  figure(name: string, value: unknown): void
  /** Takes an API's token counters; a later value of one replaces the earlier. */
  usage(counters: unknown, read: UsageReader): void
  /** Forgets the content, because all of it follows again. */
  restart(): void
  /** The message, or one for each choice; undefined if there is none. */
  message(): AssistantMessage | AssistantMessage[] | undefined
  content(): AnswerContent
}

interface Choice {
  readonly text: BoundedText
  readonly tools: ToolCalls
  readonly media: string[]
}

const MAX_CHOICES = 16
const MAX_RESULTS = 1_000
const MAX_FACT_LENGTH = 1_000

interface AnswerOptions {
  /** The output is text, not a message. */
  readonly plain?: boolean
  /** The model that was asked, for an answer that names none. */
  readonly model?: string | undefined
}

/** Creates an answer of which at most `maxBytes` are kept, and of its reasoning as much again. */
export function createAnswer(maxBytes: number, { plain = false, model = '' }: AnswerOptions = {}): Answer {
  const budget: ByteBudget = { left: maxBytes }
  const choices = new Map<unknown, Choice>()
  const facts: AnswerFacts = {}
  const parameters: Record<string, string> = {}
  const figures: Record<string, number> = {}
  const results: unknown[] = []
  let thoughts: BoundedText | undefined
  const counters: Record<string, unknown> = {}
  let readUsage: UsageReader | undefined
  let started = false

  function choiceOf(key: unknown): Choice | undefined {
    let choice = choices.get(key)
    if (choice === undefined && choices.size < MAX_CHOICES) {
      choice = { text: createBoundedText(budget), tools: createToolCalls(budget), media: [] }
      choices.set(key, choice)
    }
    return choice
  }

  function inOrder(): Choice[] {
    return [...choices].sort(([left], [right]) => Number(left) - Number(right)).map(([, choice]) => choice)
  }

  function message(): AssistantMessage | AssistantMessage[] | undefined {
    const messages = inOrder().map(toMessage)
    return messages.length > 1 ? messages : messages[0]
  }

  function output(): unknown {
    if (results.length > 0) return results
    if (!plain) return message()
    const texts = inOrder().map(({ text }) => text.written())
    return texts.length > 1 ? texts : texts[0]
  }

  return {
    get started() {
      return started
    },
    get error() {
      return facts.error
    },
    text(delta, choice = 0) {
      if (typeof delta !== 'string' || delta === '') return
      started = true
      choiceOf(choice)?.text.add(delta)
    },
    reasoning(delta) {
      if (typeof delta !== 'string' || delta === '') return
      started = true
      thoughts ??= createBoundedText({ left: maxBytes })
      thoughts.add(delta)
    },
    tool(piece, choice = 0) {
      started = true
      choiceOf(choice)?.tools.add(piece)
    },
    media(mimeType, base64, choice = 0) {
      if (typeof mimeType !== 'string' || typeof base64 !== 'string' || base64 === '') return
      started = true
      const uri = `data:${mimeType};base64,${base64}`
      const kept = uri.length <= budget.left
      if (kept) budget.left -= uri.length
      choiceOf(choice)?.media.push(kept ? uri : `[${mimeType}: ${base64.length} characters of base64]`)
    },
    result(value) {
      started = true
      if (results.length < MAX_RESULTS) results.push(value)
    },
    state(stated) {
      facts.id = fact(stated.id) ?? facts.id
      facts.model = fact(stated.model) ?? facts.model
      facts.finishReason = fact(stated.finishReason) ?? facts.finishReason
      facts.error ??= fact(stated.error)
      if (typeof stated.costUsd === 'number' && stated.costUsd >= 0) facts.costUsd = stated.costUsd
    },
    parameter(name, value) {
      if (typeof value === 'string' && value !== '') parameters[name] = value.slice(0, MAX_FACT_LENGTH)
    },
    figure(name, value) {
      if (typeof value === 'number' && Number.isFinite(value)) figures[name] = value
    },
    usage(reported, read) {
      if (typeof reported !== 'object' || reported === null) return
      for (const [name, value] of Object.entries(reported)) {
        if (value !== null && value !== undefined) counters[name] = value
      }
      readUsage = read
    },
    restart() {
      for (const { text, tools } of choices.values()) {
        text.clear()
        tools.clear()
      }
      choices.clear()
      thoughts = undefined
    },
    message,
    content: () => ({
      id: facts.id,
      model: facts.model,
      finishReason: facts.finishReason,
      costUsd: facts.costUsd,
      output: output(),
      reasoning: thoughts?.written(),
      usage: readUsage && bucketsOf(readUsage, counters, facts.model ?? model),
      parameters,
      figures,
    }),
  }
}

function fact(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_FACT_LENGTH) : undefined
}

function toMessage({ text, tools, media }: Choice): AssistantMessage {
  return {
    role: 'assistant',
    content: text.isEmpty && tools.size > 0 ? null : text.written(),
    ...(tools.size > 0 && { tool_calls: tools.written() }),
    ...(media.length > 0 && { media }),
  }
}
