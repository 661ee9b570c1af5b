/** What an answer of an LLM says so far. */
interface Answer {
  text: string
  model?: string
  /** Tokens by the kinds of Langfuse. */
  usage: Record<string, number>
  error?: string
}

type Json = Record<string, unknown>

/** Reads an answer of OpenAI, Anthropic, Gemini or Ollama, streamed or whole. */
export interface AnswerReader {
  readonly answer: Answer
  /** Takes a piece of the body; returns the text in it that is new. */
  take(piece: string): string
  /** Takes what is left at the end of the body. */
  end(): string
}

/** Creates a reader of one answer. */
export function createAnswerReader(): AnswerReader {
  const answer: Answer = { text: '', usage: {} }
  let rest = ''
  let whole = ''
  let events = 0

  const takeLine = (line: string): void => {
    const data = line.startsWith('data:') ? line.slice(5).trim() : line.trim()
    if (!data.startsWith('{')) return
    try {
      readEvent(JSON.parse(data) as Json, answer)
      events += 1
    } catch {
      // A line of a document that spans several lines.
    }
  }

  const added = (before: number): string => answer.text.slice(before)

  return {
    answer,
    take(piece) {
      const before = answer.text.length
      whole += piece
      const lines = (rest + piece).split('\n')
      rest = lines.pop()!
      for (const line of lines) takeLine(line)
      return added(before)
    },
    end() {
      const before = answer.text.length
      takeLine(rest)
      rest = ''
      if (events === 0) takeWhole(whole, answer)
      return added(before)
    },
  }
}

function takeWhole(body: string, answer: Answer): void {
  try {
    const document = JSON.parse(body) as Json | Json[]
    for (const event of Array.isArray(document) ? document : [document]) readEvent(event, answer)
  } catch {
    answer.text += body
  }
}

function readEvent(event: Json, answer: Answer): void {
  const error = event.error ?? (event.type === 'error' ? event : undefined)
  if (error != null) answer.error = messageOf(error)
  const response = record(event.response) ?? record(event.message) ?? event
  if (typeof response.model === 'string' && response.model !== '') answer.model = response.model
  answer.text += textOf(event)
  readUsage(event.usage ?? response.usage ?? event.usageMetadata, answer.usage)
  readUsage({ input_tokens: event.prompt_eval_count, output_tokens: event.eval_count }, answer.usage)
}

function textOf(event: Json): string {
  const { type, delta } = event
  if (type === 'response.output_text.delta') return text(delta)
  // The final events of a stream repeat its text.
  if (typeof type === 'string' && type.startsWith('response.')) return ''
  if (type === 'content_block_delta') return text(record(delta)?.text)
  const [choice] = list(event.choices)
  if (choice) return text(record(choice.delta)?.content ?? record(choice.message)?.content ?? choice.text)
  const [candidate] = list(event.candidates)
  if (candidate)
    return list(record(candidate.content)?.parts)
      .map(({ text: part }) => text(part))
      .join('')
  if (Array.isArray(event.output))
    return list(event.output)
      .flatMap(item => list(item.content))
      .map(part => text(part.text))
      .join('')
  if (Array.isArray(event.content))
    return list(event.content)
      .map(part => text(part.text))
      .join('')
  return text(record(event.message)?.content ?? event.response)
}

/** Counts are cumulative where they come more than once. */
function readUsage(usage: unknown, into: Record<string, number>): void {
  const counts = record(usage)
  if (!counts) return
  const set = (kind: string, ...names: string[]): void => {
    const amount = names.map(name => counts[name]).find(count => typeof count === 'number' && count > 0)
    if (amount !== undefined) into[kind] = amount as number
  }
  set('input', 'prompt_tokens', 'input_tokens', 'promptTokenCount')
  set('output', 'completion_tokens', 'output_tokens', 'candidatesTokenCount')
}

function messageOf(error: unknown): string {
  if (typeof error === 'string') return error
  const { message } = record(error) ?? {}
  return typeof message === 'string' ? message : JSON.stringify(error)
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(item => record(item) !== undefined) : []
}

function record(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined
}
