import { contentHash } from '../basics/content-hash.ts'
import { EvaluateError } from '../basics/evaluate-error.ts'
import { seededRandom } from '../basics/seeded-random.ts'
import type { DatasetItem, EvaluationItem } from './item.ts'

/** Which items of a dataset a run sends. */
export interface Selection {
  /** Only as many items, drawn at random with `seed`. */
  sample?: number | undefined
  /** @default 1 */
  seed?: number | undefined
}

/**
 * Numbers the items, gives each an id, and draws a sample that is the same for the same seed. The order of the dataset is kept.
 *
 * @throws {EvaluateError} `LANGFUSE_EVALUATE_INVALID_DATA` if the dataset is empty or two items have the same id.
 */
export function selectItems(
  items: readonly (EvaluationItem & { datasetId?: string })[],
  { sample, seed = 1 }: Selection,
): DatasetItem[] {
  if (items.length === 0)
    throw new EvaluateError('LANGFUSE_EVALUATE_INVALID_DATA', 'the dataset has no items')
  const numbered = withIds(items)
  if (sample === undefined || sample >= numbered.length) return numbered
  const random = seededRandom(seed)
  return numbered
    .map(item => ({ item, draw: random() }))
    .sort((left, right) => left.draw - right.draw)
    .slice(0, sample)
    .map(({ item }) => item)
    .sort((left, right) => left.index - right.index)
}

function withIds(items: readonly (EvaluationItem & { datasetId?: string })[]): DatasetItem[] {
  const seen = new Map<string, number>()
  return items.map((item, index) => {
    const given = item.id
    const id = given ?? contentHash([item.input, item.expectedOutput])
    const before = seen.get(id)
    seen.set(id, index)
    if (before === undefined) return { ...item, id, index }
    if (given === undefined) return { ...item, id: `${id}-${index}`, index }
    throw new EvaluateError(
      'LANGFUSE_EVALUATE_INVALID_DATA',
      `items ${before + 1} and ${index + 1} have the same id ${JSON.stringify(id)}`,
    )
  })
}
