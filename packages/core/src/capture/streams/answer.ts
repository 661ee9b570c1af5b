import { cutMark, firstBytes } from '../text/text-cut.ts'
import { createTextParts, type TextParts } from '../text/text-parts.ts'

/** A call of a tool, as chat messages name it. */
interface ToolCall {
  readonly id: string | undefined
  readonly type: 'function'
  readonly function: { readonly name: string; readonly arguments: string }
}

/** What an assistant said, in the shape that Langfuse shows as chat. */
interface AssistantMessage {
  readonly role: 'assistant'
  readonly content: string | null
  readonly tool_calls?: readonly ToolCall[]
}

/** An answer as it comes in, piece by piece; values that are not what they should be are passed over. */
export interface Answer {
  /** Something was generated, shown or not. */
  readonly started: boolean
  /** Adds text to the message of a choice. */
  text(delta: unknown, choice?: unknown): void
  /** Adds to the tool call that `key` stands for, within a choice. */
  tool(key: unknown, piece: ToolPiece, choice?: unknown): void
  /** Something was generated that is no part of the message, such as reasoning. */
  thought(): void
  /** The message, or one for each choice; undefined where nothing was said. */
  message(): AssistantMessage | AssistantMessage[] | undefined
}

/** A part of a tool call; `arguments` adds to what was there, `input` replaces it. */
interface ToolPiece {
  readonly id?: unknown
  readonly name?: unknown
  readonly arguments?: unknown
  readonly input?: unknown
}

interface Text {
  readonly parts: TextParts
  bytes: number
  missing: number
}

interface Tool {
  id: string | undefined
  name: string
  arguments: Text
}

interface Choice {
  readonly content: Text
  readonly tools: Map<unknown, Tool>
}

const MAX_CHOICES = 16
const MAX_TOOLS = 128

/** Collects an answer of at most `maxBytes` in all. */
export function createAnswer(maxBytes: number): Answer {
  const choices = new Map<unknown, Choice>()
  let left = maxBytes
  let started = false

  function choiceOf(key: unknown): Choice | undefined {
    let choice = choices.get(key)
    if (choice === undefined && choices.size < MAX_CHOICES) {
      choice = { content: emptyText(), tools: new Map() }
      choices.set(key, choice)
    }
    return choice
  }

  function add(text: Text, delta: string): void {
    const bytes = Buffer.byteLength(delta)
    const kept = bytes <= left ? delta : firstBytes(delta, left)
    const keptBytes = kept === delta ? bytes : Buffer.byteLength(kept)
    if (kept !== '') text.parts.add(kept)
    text.bytes += bytes
    text.missing += bytes - keptBytes
    // Nothing is added after a gap.
    left = kept === delta ? left - bytes : 0
  }

  return {
    get started() {
      return started
    },
    text(delta, choice = 0) {
      if (typeof delta !== 'string' || delta === '') return
      started = true
      const { content } = choiceOf(choice) ?? {}
      if (content !== undefined) add(content, delta)
    },
    tool(key, piece, choice = 0) {
      const tools = choiceOf(choice)?.tools
      if (tools === undefined) return
      started = true
      let tool = tools.get(key)
      if (tool === undefined) {
        if (tools.size === MAX_TOOLS) return
        tool = { id: undefined, name: '', arguments: emptyText() }
        tools.set(key, tool)
      }
      if (typeof piece.id === 'string') tool.id = piece.id.slice(0, 200)
      if (typeof piece.name === 'string' && tool.name === '') tool.name = piece.name.slice(0, 200)
      if (typeof piece.arguments === 'string') add(tool.arguments, piece.arguments)
      if (piece.input !== undefined) {
        left += tool.arguments.bytes - tool.arguments.missing
        tool.arguments = emptyText()
        add(tool.arguments, typeof piece.input === 'string' ? piece.input : JSON.stringify(piece.input))
      }
    },
    thought() {
      started = true
    },
    message() {
      const messages = [...choices.values()].map(toMessage)
      return messages.length > 1 ? messages : messages[0]
    },
  }
}

function toMessage({ content, tools }: Choice): AssistantMessage {
  const said = written(content)
  return {
    role: 'assistant',
    content: said === '' && tools.size > 0 ? null : said,
    ...(tools.size > 0 && {
      tool_calls: [...tools.values()].map(tool => ({
        id: tool.id,
        type: 'function' as const,
        function: { name: tool.name, arguments: written(tool.arguments) },
      })),
    }),
  }
}

function emptyText(): Text {
  return { parts: createTextParts(), bytes: 0, missing: 0 }
}

function written({ parts, bytes, missing }: Text): string {
  return parts.joined() + (missing === 0 ? '' : cutMark(missing, bytes))
}
