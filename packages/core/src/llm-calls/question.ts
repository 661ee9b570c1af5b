const LENGTH = 300

/** The beginning of what a call asks last, by which other observations of it are recognised. */
export function questionOf(input: unknown): string | undefined {
  if (typeof input === 'string') return beginning(input)
  if (Array.isArray(input)) return lastText(input)
  const { messages, contents, input: asked, prompt, query } = (input ?? {}) as Record<string, unknown>
  const list = messages ?? contents ?? asked ?? prompt ?? query
  return Array.isArray(list) ? lastText(list) : textOf(list)
}

/** The beginning of an answer's text. */
export function answerOf(output: unknown): string | undefined {
  return Array.isArray(output) ? textOf(output[0]) : textOf(output)
}

/** Of the last message of a user, or of the last item. */
function lastText(list: readonly unknown[]): string | undefined {
  const users = list.filter(item => (item as { role?: unknown } | null)?.role === 'user')
  return textOf(users.at(-1) ?? list.at(-1))
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return beginning(value)
  if (Array.isArray(value)) {
    for (const part of value) {
      const text = textOf(part)
      if (text !== undefined) return text
    }
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { content, text, parts } = value as Record<string, unknown>
  return textOf(text) ?? textOf(content) ?? textOf(parts)
}

function beginning(text: string): string | undefined {
  // Cut before anything that JSON or a trim may change.
  const start = text.slice(0, LENGTH).trim()
  return start === '' ? undefined : start
}
