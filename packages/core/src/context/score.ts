/** How Langfuse treats the value of a score. */
export type ScoreDataType = 'NUMERIC' | 'CATEGORICAL' | 'BOOLEAN' | 'TEXT'

/** A judgement of a trace, or of one observation in it. */
export interface Score {
  name: string
  /** A number, a category, or true or false. */
  value: number | string | boolean
  /** @default by the value: `NUMERIC`, `CATEGORICAL` or `BOOLEAN` */
  dataType?: ScoreDataType | undefined
  /** Of at most 5000 characters. */
  comment?: string | undefined
  /** A score of the same id takes the place of an earlier one. @default a new one each time */
  id?: string | undefined
  /** The observation that is judged, instead of the whole trace. */
  observationId?: string | undefined
  metadata?: Record<string, unknown> | undefined
}
