import type { DatasetItem } from '../data/item.ts'
import type { RouteResponse } from '../target/route-response.ts'
import type { RouteTrace } from '../trace/route-trace.ts'

/** Everything an evaluator can look at. */
// biome-ignore lint/suspicious/noExplicitAny: an item's types are the user's own.
export interface EvaluationContext<Input = any, Expected = any> {
  readonly item: DatasetItem<Input, Expected>
  readonly input: Input
  readonly expectedOutput: Expected | undefined
  /** The same as `expectedOutput`, under the name that `autoevals` reads. */
  readonly expected: Expected | undefined
  readonly metadata: Readonly<Record<string, unknown>>
  /** The body of the answer: JSON, or the text of a stream. */
  // biome-ignore lint/suspicious/noExplicitAny: the body is the app's own.
  readonly output: any
  readonly response: RouteResponse
  readonly trace: RouteTrace
}

/** One verdict on one answer. */
export interface EvaluationScore {
  name: string
  /** Numbers from 0 to 1 are compared with 0.5 for a pass rate; text is a category. */
  value: number | boolean | string
  comment?: string | undefined
}

/** What an evaluator may give: a value, scores, what `autoevals` gives, or nothing to say. */
export type EvaluatorResult =
  | number
  | boolean
  | string
  | null
  | undefined
  | EvaluationScore
  | { name: string; score: number | null; metadata?: unknown }
  | readonly EvaluationScore[]

/**
 * Judges an answer. A function's own name names its score.
 *
 * @example
 * const polite = ({ output }) => !/stupid/i.test(output.answer)
 */
export type Evaluator = (context: EvaluationContext) => EvaluatorResult | Promise<EvaluatorResult>

/** Gives a built-in evaluator the name of its score. */
export function named(name: string, evaluator: Evaluator): Evaluator {
  return Object.defineProperty(evaluator, 'name', { value: name })
}

/** Brings any result of an evaluator into the form of scores. */
export function toScores(name: string, result: EvaluatorResult): EvaluationScore[] {
  if (result === null || result === undefined) return []
  if (Array.isArray(result)) return (result as readonly EvaluationScore[]).flatMap(one => toScores(name, one))
  if (typeof result !== 'object') return [checkedScore({ name, value: result as number | boolean | string })]
  if ('score' in result) {
    if (result.score === null || result.score === undefined) return []
    const rationale = (result.metadata as { rationale?: unknown } | undefined)?.rationale
    return [
      checkedScore({
        name: result.name ?? name,
        value: result.score,
        comment: typeof rationale === 'string' ? rationale : undefined,
      }),
    ]
  }
  const score = result as EvaluationScore
  return [checkedScore({ ...score, name: score.name ?? name })]
}

function checkedScore(score: EvaluationScore): EvaluationScore {
  const { name, value } = score
  const isUsable =
    typeof value === 'number' ? Number.isFinite(value) : /^(boolean|string)$/.test(typeof value)
  if (!isUsable)
    throw new TypeError(`score ${name} must be a finite number, a boolean or a string, got ${String(value)}`)
  return score
}
