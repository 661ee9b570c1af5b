import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { createJiti } from 'jiti'
import { EvaluateError } from '../basics/evaluate-error.ts'
import type { EvaluateRouteOptions } from '../run/evaluate-options.ts'

/**
 * Loads the evaluations of a config file, in TypeScript or JavaScript.
 *
 * @throws {EvaluateError} `LANGFUSE_EVALUATE_INVALID_OPTION` if there is no such file, it fails, or it exports none.
 */
export async function loadConfig(path: string): Promise<EvaluateRouteOptions[]> {
  const file = resolve(path)
  if (!existsSync(file)) throw invalid(`there is no config ${path}`)
  let exported: unknown
  try {
    exported = await createJiti(file).import(file, { default: true })
  } catch (cause) {
    throw invalid(`the config ${path} failed: ${(cause as Error).message}`, cause)
  }
  const evaluations = (Array.isArray(exported) ? exported : [exported]) as EvaluateRouteOptions[]
  for (const evaluation of evaluations) {
    if (!Array.isArray(evaluation?.evaluators))
      throw invalid(`the default export of ${path} must be defineEvaluation({ … }), or an array of them`)
  }
  return evaluations
}

function invalid(message: string, cause?: unknown): EvaluateError {
  return new EvaluateError('LANGFUSE_EVALUATE_INVALID_OPTION', message, cause === undefined ? {} : { cause })
}
