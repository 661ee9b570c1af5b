import type { Attributes, SpanEvent } from '../otlp/otlp-span.ts'

/** An exception that a span recorded. */
export interface RecordedException {
  type: string
  message: string
  frames: StackFrame[]
}

/** One line of a stack. */
export interface StackFrame {
  text: string
  /** Absolute path, if it is a file of this machine and not of Node.js itself. */
  file?: string
  line?: number
  column?: number
  /** Whether it belongs to a dependency or to Node.js. */
  foreign: boolean
}

const maxFrames = 100

// `at name (file:line:column)` of V8, and `File "file", line 3` of Python.
const v8 = /(?:^|\()((?:file:\/\/)?(?:\/|[A-Za-z]:[\\/])[^()]*?):(\d+):(\d+)\)?$/
const python = /^File "([^"]+)", line (\d+)/

/** The exceptions in a span's attributes and among its events. */
export function readExceptions(span: {
  attributes: Attributes
  events: readonly SpanEvent[]
}): RecordedException[] {
  const own = 'exception.type' in span.attributes ? [span.attributes] : []
  const recorded = span.events.flatMap(({ name, attributes }) => (name === 'exception' ? [attributes] : []))
  return [...own, ...recorded].map(readException)
}

function readException(attributes: Attributes): RecordedException {
  const text = (key: string): string => String(attributes[`exception.${key}`] ?? '')
  return { type: text('type') || 'Error', message: text('message'), frames: readStack(text('stacktrace')) }
}

/** The lines of a stack, without the message in front of them. */
function readStack(stack: string): StackFrame[] {
  return stack
    .split('\n')
    .map(line => line.trim())
    .filter(line => /^at |^File "|^Caused by|^\[?cause\]?:/i.test(line))
    .slice(0, maxFrames)
    .map(readFrame)
}

function readFrame(text: string): StackFrame {
  const match = v8.exec(text.replace(/^at (?:async )?/, '')) ?? python.exec(text)
  const [, place, line, column] = match ?? []
  const file = place === undefined ? undefined : toPath(place)
  return {
    text,
    ...(file !== undefined && { file, line: Number(line) }),
    ...(column !== undefined && { column: Number(column) }),
    foreign: file === undefined || /[\\/]node_modules[\\/]|[\\/]site-packages[\\/]/.test(file),
  }
}

function toPath(place: string): string | undefined {
  if (!place.startsWith('file://')) return place
  try {
    return decodeURIComponent(new URL(place).pathname)
  } catch {
    return undefined
  }
}
