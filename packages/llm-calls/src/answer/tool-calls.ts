import { type BoundedText, type ByteBudget, createBoundedText } from './bounded-text.ts'

/** A tool call, as OpenAI's chat messages write it. */
export type ToolCall =
  | {
      readonly id?: string
      readonly type: 'function'
      readonly function: { readonly name: string; readonly arguments: string }
    }
  | {
      readonly id?: string
      readonly type: 'custom'
      readonly custom: { readonly name: string; readonly input: string }
    }

/** A piece of a tool call. Values of the wrong type are ignored. */
export interface ToolPiece {
  /** Position of the call or of its block. Servers leave it out, or send 0 for every call. */
  readonly index?: unknown
  readonly id?: unknown
  readonly name?: unknown
  /** Adds to the arguments; an object replaces them. */
  readonly arguments?: unknown
  /** Replaces the arguments. */
  readonly input?: unknown
  /** The arguments are text, not JSON. */
  readonly custom?: boolean
}

interface Tool {
  id: string | undefined
  name: string
  custom: boolean
  readonly arguments: BoundedText
}

/** The tool calls of one message. */
export interface ToolCalls {
  readonly size: number
  add(piece: ToolPiece): void
  /** Gives its bytes back to the budget and starts again. */
  clear(): void
  written(): ToolCall[]
}

const MAX_TOOLS = 128
const MAX_NAME_LENGTH = 200

/** Creates an empty list; arguments take their bytes from `budget`. */
export function createToolCalls(budget: ByteBudget): ToolCalls {
  const tools: Tool[] = []
  const byIndex = new Map<unknown, Tool>()

  function find(piece: ToolPiece, id: string | undefined): Tool | undefined {
    if (id !== undefined) {
      const known = tools.find(tool => tool.id === id)
      if (known !== undefined) return known
    }
    const indexed = typeof piece.index === 'number'
    const tool = indexed ? byIndex.get(piece.index) : tools.at(-1)
    if (tool === undefined || (id !== undefined && (tool.id !== undefined || !indexed))) return undefined
    // Without ids, a name begins a call. Some servers repeat it in every piece of one.
    if (id === undefined && typeof piece.name === 'string' && tool.name !== '') {
      if (!indexed || isComplete(tool.arguments)) return undefined
    }
    return tool
  }

  return {
    get size() {
      return tools.length
    },
    add(piece) {
      const id =
        typeof piece.id === 'string' && piece.id !== '' ? piece.id.slice(0, MAX_NAME_LENGTH) : undefined
      let tool = find(piece, id)
      if (tool === undefined) {
        if (tools.length === MAX_TOOLS) return
        tool = {
          id: undefined,
          name: '',
          custom: piece.custom === true,
          arguments: createBoundedText(budget),
        }
        tools.push(tool)
      }
      if (typeof piece.index === 'number') byIndex.set(piece.index, tool)
      tool.id ??= id
      if (typeof piece.name === 'string' && tool.name === '') tool.name = piece.name.slice(0, MAX_NAME_LENGTH)
      if (typeof piece.arguments === 'string') tool.arguments.add(piece.arguments)
      const replacement = piece.input ?? (typeof piece.arguments === 'object' ? piece.arguments : undefined)
      if (replacement === undefined || replacement === null) return
      tool.arguments.clear()
      tool.arguments.add(typeof replacement === 'string' ? replacement : JSON.stringify(replacement))
    },
    clear() {
      for (const tool of tools.splice(0)) tool.arguments.clear()
      byIndex.clear()
    },
    written: () => tools.map(write),
  }
}

function write({ id, name, custom, arguments: text }: Tool): ToolCall {
  const identity = id === undefined ? {} : { id }
  const written = text.written()
  if (custom) return { ...identity, type: 'custom', custom: { name, input: written } }
  return { ...identity, type: 'function', function: { name, arguments: written === '' ? '{}' : written } }
}

function isComplete(text: BoundedText): boolean {
  if (text.isEmpty) return false
  try {
    JSON.parse(text.written())
    return true
  } catch {
    return false
  }
}
