/** One question of a dataset. */
export interface EvaluationItem<Input = unknown, Expected = unknown> {
  /** Identifies the item in reports, in `resume` and in Langfuse. @default a digest of its content */
  id?: string | undefined
  input: Input
  expectedOutput?: Expected | undefined
  metadata?: Readonly<Record<string, unknown>> | null | undefined
}

/** An item with everything that a run needs of it. */
export interface DatasetItem<Input = unknown, Expected = unknown> extends EvaluationItem<Input, Expected> {
  readonly id: string
  /** Position in the dataset, from 0. */
  readonly index: number
  /** The Langfuse dataset that the item belongs to. */
  readonly datasetId?: string | undefined
}

/** True for items given as a list. */
export function isItems(data: unknown): data is readonly EvaluationItem[] {
  return Array.isArray(data)
}
