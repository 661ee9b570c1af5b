import { lazyRequire } from './lazy-require.ts'
import { cutMark } from './text-cut.ts'

/** A text that cannot be taken apart as its content type says. */
export class UnreadableText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Whether a content type is one of text; one that is not given is taken for it. */
export function isTextType(contentType: string): boolean {
  return (
    contentType === '' ||
    /^(?:text\/|application\/(?:[\w.+-]*[+-])?(?:json|ndjson|jsonl|xml|javascript|graphql|yaml|x-www-form-urlencoded)\b)/i.test(
      contentType,
    )
  )
}

/**
 * What a body of text says: JSON and forms taken apart, the rest as it is. Where `missing` bytes were cut from its end, it says so, and
 * JSON is closed.
 */
export function readText(text: string, contentType: string, missing: number): unknown {
  const mark = missing === 0 ? '' : cutMark(missing, missing + Buffer.byteLength(text))
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType)) return readForm(text)
  if (!/^application\/(?:[\w.+-]*\+)?json\b/i.test(contentType)) {
    return text + mark
  }
  try {
    if (missing === 0) return JSON.parse(text)
    const { jsonrepair } = lazyRequire<typeof import('jsonrepair')>('jsonrepair')
    return marked(JSON.parse(jsonrepair(text)), mark)
  } catch {
    return new UnreadableText(text + mark)
  }
}

function readForm(text: string): unknown {
  const form = new URLSearchParams(text)
  return Object.fromEntries(
    [...new Set(form.keys())].map(key => {
      const values = form.getAll(key)
      return [key, values.length === 1 ? values[0] : values]
    }),
  )
}

function marked(value: unknown, mark: string): unknown {
  if (Array.isArray(value)) return [...value, mark]
  if (typeof value === 'object' && value !== null) return { ...value, [mark]: true }
  return typeof value === 'string' ? value + mark : value
}
