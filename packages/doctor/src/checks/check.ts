import type { TracingConfig } from '@langfuse-middleware/core'
import type { Finding } from '../report/finding.ts'

/** What all checks look at. */
export interface CheckContext {
  /** The folder of the app. */
  readonly directory: string
  readonly env: NodeJS.ProcessEnv
  /** Milliseconds a request may take. */
  readonly timeoutMs: number
  /** The resolved options; undefined if the environment has a wrong one. */
  readonly config: TracingConfig | undefined
  /** Addresses of Langfuse Cloud and the regions they serve. */
  readonly regions: Readonly<Record<string, string>>
  /** The spool's directory, if the app has one. */
  readonly spool: string | undefined
}

/** One part of the diagnosis. */
export type Check = (context: CheckContext) => Finding[] | Promise<Finding[]>
