import { EvaluateError } from '../basics/evaluate-error.ts'
import type { EvaluationItem } from '../data/item.ts'
import type { LangfuseConnection } from './connection.ts'

/** A dataset that Langfuse stores. */
export interface LangfuseDataset {
  /** Its name. */
  dataset: string
  /** The dataset as it was at this time, in ISO 8601. @default as it is now */
  version?: string | undefined
}

/**
 * Reads the items of a Langfuse dataset.
 *
 * @throws {EvaluateError} `LANGFUSE_EVALUATE_INVALID_DATA` without keys, or if Langfuse does not give it.
 */
export async function loadDataset(
  { dataset, version }: LangfuseDataset,
  connection: LangfuseConnection | undefined,
): Promise<(EvaluationItem & { datasetId?: string })[]> {
  if (connection === undefined || connection.isInspector) {
    throw new EvaluateError(
      'LANGFUSE_EVALUATE_INVALID_DATA',
      `the dataset "${dataset}" is in Langfuse: set LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY and LANGFUSE_BASE_URL, or use a .jsonl file`,
    )
  }
  try {
    const { items } = await connection.client.dataset.get(dataset, version === undefined ? {} : { version })
    return items
      .filter(({ status }) => status !== 'ARCHIVED')
      .map(({ id, datasetId, input, expectedOutput, metadata }) => ({
        id,
        datasetId,
        input,
        expectedOutput: expectedOutput ?? undefined,
        metadata: metadata as Record<string, unknown> | null,
      }))
  } catch (cause) {
    throw new EvaluateError(
      'LANGFUSE_EVALUATE_INVALID_DATA',
      `Langfuse at ${connection.baseUrl} did not give the dataset "${dataset}": ${(cause as Error).message}`,
      { cause },
    )
  }
}
