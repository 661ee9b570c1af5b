import { readFile } from 'node:fs/promises'
import { EvaluateError } from '../basics/evaluate-error.ts'
import type { EvaluationItem } from './item.ts'

/**
 * Reads a dataset file: one JSON object per line, with `input` and optionally `id`, `expectedOutput` and `metadata`. Empty lines and a
 * byte order mark are skipped.
 *
 * @throws {EvaluateError} `LANGFUSE_EVALUATE_INVALID_DATA` with the file's name and line number.
 */
export async function readJsonLines(file: string): Promise<EvaluationItem[]> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw invalidData(`cannot read the dataset file ${file}`, cause)
  }
  return text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [toItem(line, `${file}:${index + 1}`)]))
}

function toItem(line: string, place: string): EvaluationItem {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw invalidData(`${place}: not valid JSON: ${(cause as Error).message}`, cause)
  }
  return checkedItem(value, place)
}

/** Checks one item of a dataset; `place` is where the user finds it. */
export function checkedItem(value: unknown, place: string): EvaluationItem {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidData(`${place}: an item must be an object with "input"`)
  const { id, input, metadata } = value as Record<string, unknown>
  if (input === undefined) throw invalidData(`${place}: the item has no "input"`)
  if (id !== undefined && (typeof id !== 'string' || id === ''))
    throw invalidData(`${place}: "id" must be a non-empty string`)
  if (
    metadata !== undefined &&
    metadata !== null &&
    (typeof metadata !== 'object' || Array.isArray(metadata))
  )
    throw invalidData(`${place}: "metadata" must be an object`)
  return value as EvaluationItem
}

function invalidData(message: string, cause?: unknown): EvaluateError {
  return new EvaluateError('LANGFUSE_EVALUATE_INVALID_DATA', message, cause === undefined ? {} : { cause })
}
