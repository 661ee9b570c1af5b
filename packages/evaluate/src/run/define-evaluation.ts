import type { EvaluateRouteOptions } from './evaluate-options.ts'

/**
 * Types the default export of a config file.
 *
 * @example
 * export default defineEvaluation({ app: () => createApp(), data: 'questions.jsonl', evaluators: [noErrors()] })
 */
export function defineEvaluation(options: EvaluateRouteOptions): EvaluateRouteOptions {
  return options
}
