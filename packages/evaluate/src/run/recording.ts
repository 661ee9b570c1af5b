import { getTracing } from '@langfuse-middleware/core'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import { EvaluateError } from '../basics/evaluate-error.ts'
import type { LangfuseConnection } from '../langfuse/connection.ts'
import { createExperimentExporter, type ExperimentExporter } from '../langfuse/experiment-exporter.ts'
import type { ResolvedOptions } from './evaluate-options.ts'

/** Tracing of this process during a run: the app's, if it runs here, and the judge's. */
export interface Recording {
  readonly recorder: Recorder
  /** Undefined without Langfuse. */
  readonly exporter: ExperimentExporter | undefined
  /** Delivers everything; returns how many spans and scores were lost. */
  close(): Promise<number>
}

/**
 * Starts recording.
 *
 * @throws {EvaluateError} `LANGFUSE_EVALUATE_TRACING_RUNNING` if the app started tracing before.
 */
export function startRecording(
  { recorder: given, tracing, timeoutMs }: ResolvedOptions,
  connection: LangfuseConnection | undefined,
): Recording {
  if (given !== undefined) {
    return { recorder: given, exporter: undefined, close: async () => 0 }
  }
  if (getTracing() !== undefined) {
    throw new EvaluateError(
      'LANGFUSE_EVALUATE_TRACING_RUNNING',
      "tracing runs already: create the app in a function, `app: async () => (await import('./app.js')).app`, or pass the `recorder` of recordTraces()",
    )
  }
  const exporter = connection && createExperimentExporter(connection)
  const recorder = recordTraces({ sampling: { rate: 1 }, ...tracing, forwardTo: exporter })
  return {
    recorder,
    exporter,
    async close() {
      await recorder.close()
      return (await exporter?.close(timeoutMs)) ?? 0
    },
  }
}
