import { closeJson } from '@langfuse-middleware/llm-calls'
import { formValues } from './text/form-values.ts'
import { cutMark } from './text/text-cut.ts'

/** A text that is JSON by its type or its looks, and cannot be taken apart as such. */
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

const FORM = /^application\/x-www-form-urlencoded\b/i
const JSON_TYPE = /^application\/(?:[\w.+-]*\+)?json\b/i
const JSON_LINES = /json/i
const JSON_START = /^\s*(?:\{\s*["}]|\[\s*[[\]{"])/

/**
 * What a body of text says: JSON and forms taken apart, the rest as it is. Where `missing` bytes were cut from its end, it says so, and
 * JSON is closed.
 */
export function readText(text: string, contentType: string, missing: number): unknown {
  const mark = missing === 0 ? '' : cutMark(missing, missing + Buffer.byteLength(text))
  if (FORM.test(contentType)) return Object.fromEntries(formValues(text))
  const isJson = JSON_TYPE.test(contentType)
  if (!isJson && !JSON_LINES.test(contentType) && !JSON_START.test(text)) return text + mark
  try {
    if (missing === 0) return JSON.parse(text)
    if (isJson) return marked(JSON.parse(closeJson(text)), mark)
  } catch {
    // It is not what it seems to be.
  }
  return new UnreadableText(text + mark)
}

function marked(value: unknown, mark: string): unknown {
  if (Array.isArray(value)) return [...value, mark]
  if (typeof value === 'object' && value !== null) return { ...value, [mark]: true }
  return typeof value === 'string' ? value + mark : value
}
