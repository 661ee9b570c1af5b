import { isDeepStrictEqual } from 'node:util'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { type EvaluationContext, type Evaluator, named } from './evaluator.ts'

/** Options of evaluators that read a part of the answer. */
export interface OutputOptions {
  /** Name of the score. */
  name?: string
  /** Selects what to look at. @default the body; its `answer`, `output`, `text`, `content` or `message` where a text is compared with an object */
  output?: (context: EvaluationContext) => unknown
}

/** True if the answer is the expected output: equal text, surrounding white space aside, or an equal value. */
export function exactMatch(options: OutputOptions = {}): Evaluator {
  return named(options.name ?? 'exact_match', context => {
    const { expectedOutput } = context
    if (expectedOutput === undefined) return null
    const output = selected(context, options, typeof expectedOutput === 'string')
    if (typeof output === 'string' && typeof expectedOutput === 'string')
      return output.trim() === expectedOutput.trim()
    return isDeepStrictEqual(output, expectedOutput)
  })
}

/** The share, from 0 to 1, of the expected output's fields that the answer has with the same value; more fields do no harm. */
export function jsonMatch(options: OutputOptions = {}): Evaluator {
  return named(options.name ?? 'json_match', context => {
    if (context.expectedOutput === undefined) return null
    const { matched, expected, missing } = compared(
      parsedJson(selected(context, options, false)),
      parsedJson(context.expectedOutput),
      '$',
    )
    const comment = missing.length === 0 ? undefined : `differs at ${missing.slice(0, 5).join(', ')}`
    return { name: options.name ?? 'json_match', value: expected === 0 ? 1 : matched / expected, comment }
  })
}

/**
 * True if the answer is valid by a JSON Schema (2020-12).
 *
 * @throws {Error} if the schema itself is not valid.
 */
export function jsonSchema(schema: object, options: OutputOptions = {}): Evaluator {
  const ajv = new Ajv2020({ allErrors: true, strict: false })
  const validate = ajv.compile(schema)
  const name = options.name ?? 'json_schema'
  return named(name, context => {
    const value = validate(parsedJson(selected(context, options, false)))
    return { name, value, comment: value ? undefined : ajv.errorsText(validate.errors, { dataVar: '$' }) }
  })
}

/** True if the answer contains every text, in any letter case. */
export function contains(texts: string | readonly string[], options: OutputOptions = {}): Evaluator {
  const name = options.name ?? 'contains'
  const wanted = typeof texts === 'string' ? [texts] : texts
  return named(name, context => {
    const text = asText(selected(context, options, true)).toLowerCase()
    const missing = wanted.filter(one => !text.includes(one.toLowerCase()))
    const comment = missing.length === 0 ? undefined : `missing: ${missing.join(', ')}`
    return { name, value: missing.length === 0, comment }
  })
}

/** True if the answer matches the pattern. */
export function matches(pattern: RegExp, options: OutputOptions = {}): Evaluator {
  // A global or sticky expression remembers where it stopped, and would judge every second answer wrong.
  const stateless = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
  return named(options.name ?? 'matches', context => stateless.test(asText(selected(context, options, true))))
}

const TEXT_FIELDS = ['answer', 'output', 'text', 'content', 'message'] as const

function selected(context: EvaluationContext, options: OutputOptions, wantsText: boolean): unknown {
  if (options.output !== undefined) return options.output(context)
  const { output } = context
  return wantsText ? answerText(output) : output
}

/** The text of an answer: itself, or the field of a JSON body that holds it. */
export function answerText(output: unknown): unknown {
  if (typeof output !== 'object' || output === null) return output
  const field = TEXT_FIELDS.find(name => typeof (output as Record<string, unknown>)[name] === 'string')
  return field === undefined ? output : (output as Record<string, unknown>)[field]
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

function parsedJson(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

interface Comparison {
  matched: number
  expected: number
  missing: string[]
}

function compared(output: unknown, expected: unknown, path: string): Comparison {
  if (typeof expected !== 'object' || expected === null) {
    const isEqual = Object.is(output, expected)
    return { matched: isEqual ? 1 : 0, expected: 1, missing: isEqual ? [] : [path] }
  }
  const sum: Comparison = { matched: 0, expected: 0, missing: [] }
  for (const [key, value] of Object.entries(expected)) {
    const part = typeof output === 'object' && output !== null ? Reflect.get(output, key) : undefined
    const { matched, expected: count, missing } = compared(part, value, `${path}.${key}`)
    sum.matched += matched
    sum.expected += count
    sum.missing.push(...missing)
  }
  return sum
}
