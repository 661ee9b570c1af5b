import type { Attributes } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'

/** What the observations of a trace add up to. */
export interface RollUp {
  observations: number
  errors: number
  generations: number
  generationMs: number
  totalTokens: number
  totalCost: number
  models: Set<string>
}

/** The attribute keys the roll-up reads, from the packages that define them. */
export interface RollUpKeys {
  readonly type: string
  readonly level: string
  readonly model: string
  readonly usage: string
  readonly cost: string
}

const MAX_MODELS = 20

/** A roll-up of nothing yet. */
export function emptyRollUp(): RollUp {
  return {
    observations: 0,
    errors: 0,
    generations: 0,
    generationMs: 0,
    totalTokens: 0,
    totalCost: 0,
    models: new Set(),
  }
}

/** Adds one ended observation. */
export function addToRollUp(rollUp: RollUp, span: ReadableSpan, keys: RollUpKeys): void {
  const { attributes } = span
  rollUp.observations += 1
  if (isFailed(span, keys)) rollUp.errors += 1
  // An agent's tokens are those of its calls, which are counted themselves.
  if (attributes['gen_ai.operation.name'] === 'invoke_agent') return
  rollUp.totalTokens += tokens(attributes, keys.usage)
  rollUp.totalCost += sum(attributes[keys.cost], ['total'], undefined)
  const type = attributes[keys.type]
  const model =
    attributes[keys.model] ?? attributes['gen_ai.response.model'] ?? attributes['gen_ai.request.model']
  if (typeof model === 'string' && rollUp.models.size < MAX_MODELS) rollUp.models.add(model)
  // Spans of other instrumentations have no type, and a model only where they call one.
  if (type !== 'generation' && (type !== undefined || model === undefined)) return
  rollUp.generations += 1
  rollUp.generationMs += span.duration[0] * 1e3 + span.duration[1] / 1e6
}

function isFailed(span: ReadableSpan, keys: RollUpKeys): boolean {
  return span.attributes[keys.level] === 'ERROR' || span.status.code === 2
}

/** The figures that may be shown on the root. */
export const ROLL_UP_FIGURES = [
  'observations',
  'errors',
  'generations',
  'generationMs',
  'totalTokens',
  'totalCost',
  'models',
] as const

export type RollUpFigure = (typeof ROLL_UP_FIGURES)[number]

/** Shows the figures worth it: those of generations only where there were any. */
export function showRollUp(
  rollUp: RollUp,
  show: (figure: RollUpFigure, value: string | number) => void,
): void {
  const { observations, errors, generations, totalTokens, totalCost, models } = rollUp
  if (observations === 0) return
  show('observations', observations)
  if (errors > 0) show('errors', errors)
  if (generations > 0) {
    show('generations', generations)
    show('generationMs', Math.round(rollUp.generationMs))
  }
  if (totalTokens > 0) show('totalTokens', totalTokens)
  if (totalCost > 0) show('totalCost', totalCost)
  if (models.size > 0) show('models', [...models].join(', '))
}

function tokens(attributes: Attributes, key: string): number {
  const input = attributes['gen_ai.usage.input_tokens']
  const output = attributes['gen_ai.usage.output_tokens']
  const counted = (typeof input === 'number' ? input : 0) + (typeof output === 'number' ? output : 0)
  return sum(attributes[key], ['total', 'total_tokens', 'totalTokens'], ['input', 'output']) || counted
}

/** A stated total of a JSON object of numbers, else the sum of `parts`, else of all. */
function sum(json: unknown, totals: readonly string[], parts: readonly string[] | undefined): number {
  if (typeof json !== 'string') return 0
  const details = numbersOf(json)
  for (const total of totals) {
    const value = details[total]
    if (isNumber(value)) return value
  }
  const counted = parts?.some(part => isNumber(details[part])) ? parts : Object.keys(details)
  let result = 0
  for (const name of counted) {
    const value = details[name]
    if (isNumber(value)) result += value
  }
  return result
}

function numbersOf(json: string): Record<string, unknown> {
  try {
    const details: unknown = JSON.parse(json)
    return typeof details === 'object' && details !== null ? (details as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value)
}
