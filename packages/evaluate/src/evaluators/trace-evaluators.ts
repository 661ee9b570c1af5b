import { type Evaluator, named } from './evaluator.ts'
import { answerText } from './output-evaluators.ts'

/** True if the request called these tools in this order; other calls in between are allowed unless `exact` is set. */
export function calledTools(
  tools: readonly string[],
  { exact = false, name = 'called_tools' }: { exact?: boolean; name?: string } = {},
): Evaluator {
  return named(name, ({ trace }) => ({
    name,
    value: isCalledInOrder(trace.toolsCalled, tools, exact),
    comment: `called: ${trace.toolsCalled.join(', ') || 'none'}`,
  }))
}

/** True if `wanted` appears in `called` in the same order. */
export function isCalledInOrder(
  called: readonly string[],
  wanted: readonly string[],
  exact: boolean,
): boolean {
  if (exact && called.length !== wanted.length) return false
  let next = 0
  for (const tool of called) if (tool === wanted[next]) next += 1
  return next === wanted.length
}

/** True if no observation of the trace has level ERROR and the status is below 400. */
export function noErrors({ name = 'no_errors' }: { name?: string } = {}): Evaluator {
  return named(name, ({ trace, response }) => {
    const errors = trace.errors.map(({ name, statusMessage }) => `${name}: ${statusMessage ?? 'ERROR'}`)
    if (response.status >= 400) errors.unshift(`status ${response.status}`)
    return { name, value: errors.length === 0, comment: errors.slice(0, 3).join('; ') || undefined }
  })
}

/** True if all generations and embeddings of the request together use at most so many tokens. */
export function maxTokens(limit: number, { name = 'max_tokens' }: { name?: string } = {}): Evaluator {
  return named(name, ({ trace }) => atMost(name, trace.tokens.total, limit, 'tokens'))
}

/** True if the request costs at most so many US dollars; no score if a model's price is not known. */
export function maxCost(limit: number, { name = 'max_cost' }: { name?: string } = {}): Evaluator {
  return named(name, ({ trace }) => atMost(name, trace.cost, limit, 'USD'))
}

/** True if the whole answer took at most so many milliseconds, as the client saw it. */
export function maxDurationMs(
  limit: number,
  { name = 'max_duration_ms' }: { name?: string } = {},
): Evaluator {
  return named(name, ({ response }) => atMost(name, response.durationMs, limit, 'ms'))
}

/** True if the first text of the answer came within so many milliseconds, as the client saw it. */
export function maxFirstTokenMs(
  limit: number,
  { name = 'max_first_token_ms' }: { name?: string } = {},
): Evaluator {
  return named(name, ({ response }) => atMost(name, response.timeToFirstTokenMs, limit, 'ms'))
}

function atMost(name: string, value: number | undefined, limit: number, unit: string) {
  if (value === undefined) return null
  const shown = Number.isInteger(value) ? value : Number(value.toPrecision(3))
  return { name, value: value <= limit, comment: `${shown} ${unit}` }
}

/**
 * The share, from 0 to 1, of the answer's words that stand in the documents that were retrieved. Words of up to three letters and
 * those of the question do not count. Cheap and without a model; `judge()` reads the meaning.
 */
export function grounded({ name = 'grounded' }: { name?: string } = {}): Evaluator {
  return named(name, ({ output, input, trace }) => {
    if (trace.retrievals.length === 0) return { name, value: 0, comment: 'no document was retrieved' }
    const known = new Set([
      ...wordsOf(trace.retrievals.map(({ output: documents }) => documents)),
      ...wordsOf(input),
    ])
    const words = wordsOf(answerText(output))
    if (words.length === 0) return null
    const unknown = words.filter(word => !known.has(word))
    return {
      name,
      value: 1 - unknown.length / words.length,
      comment:
        unknown.length === 0
          ? undefined
          : `not in the documents: ${[...new Set(unknown)].slice(0, 8).join(', ')}`,
    }
  })
}

function wordsOf(value: unknown): string[] {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.toLowerCase().match(/\p{L}{4,}|\p{N}+/gu) ?? []
}
