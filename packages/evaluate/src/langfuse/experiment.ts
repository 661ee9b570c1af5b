import {
  createExperimentId,
  createExperimentItemId,
  LANGFUSE_SDK_EXPERIMENT_ENVIRONMENT,
  LangfuseOtelSpanAttributes,
} from '@langfuse/core'
import { scoreTrace } from '@langfuse-middleware/core'
import type { DatasetItem } from '../data/item.ts'
import type { EvaluationScore } from '../evaluators/evaluator.ts'
import type { RouteTrace } from '../trace/route-trace.ts'
import type { LangfuseConnection } from './connection.ts'
import type { ExperimentExporter } from './experiment-exporter.ts'

/** One run as a Langfuse experiment. */
export interface Experiment {
  /** Links the trace of an item to the run, and scores it. Returns what went wrong, if anything did. */
  record(item: DatasetItem, trace: RouteTrace, scores: readonly EvaluationScore[]): Promise<string[]>
  readonly id: string
  readonly datasetRunId: string | undefined
  /** The page of the run; undefined unless its items are of a Langfuse dataset. */
  url(): Promise<string | undefined>
}

interface ExperimentOptions {
  readonly connection: LangfuseConnection
  readonly exporter: ExperimentExporter
  readonly runName: string
  readonly description: string | undefined
  readonly metadata: Readonly<Record<string, unknown>> | undefined
  readonly datasetVersion: string | undefined
}

/** Starts an experiment: the run appears in Langfuse with its first item. */
export async function startExperiment(options: ExperimentOptions): Promise<Experiment> {
  const { connection, exporter, runName, description, metadata, datasetVersion } = options
  const ownId = await createExperimentId()
  let datasetRunId: string | undefined
  let datasetId: string | undefined

  async function link(item: DatasetItem, trace: RouteTrace): Promise<void> {
    if (item.datasetId === undefined) return
    const linked = await connection.client.api.datasetRunItems.create({
      runName,
      datasetItemId: item.id,
      traceId: trace.id,
      ...(trace.root && { observationId: trace.root.id }),
      ...(description !== undefined && { runDescription: description }),
      ...(metadata !== undefined && { metadata }),
      ...(datasetVersion !== undefined && { datasetVersion }),
    })
    datasetId = item.datasetId
    datasetRunId = linked.datasetRunId
  }

  return {
    async record(item, trace, scores) {
      const problems: string[] = []
      try {
        await link(item, trace)
      } catch (error) {
        problems.push(`not linked to the run in Langfuse: ${messageOf(error)}`)
      }
      const ofItem = await attributesOf(item, trace)
      exporter.release(
        trace.id,
        { ...ofItem, [LangfuseOtelSpanAttributes.EXPERIMENT_ID]: datasetRunId ?? ownId, ...ofRun(options) },
        ofRoot(item, description),
      )
      for (const { name, value, comment } of scores) scoreTrace(trace.id, { name, value, comment })
      return problems
    },
    get id() {
      return datasetRunId ?? ownId
    },
    get datasetRunId() {
      return datasetRunId
    },
    async url() {
      if (datasetRunId === undefined) return undefined
      const [project] = (await connection.client.getTraceUrl('any')).split('/traces')
      return `${project}/datasets/${datasetId}/runs/${datasetRunId}`
    },
  }
}

// The same attributes as of Langfuse's own experiment runner.
function ofRun({ runName, metadata }: ExperimentOptions) {
  return defined({
    [LangfuseOtelSpanAttributes.EXPERIMENT_NAME]: runName,
    [LangfuseOtelSpanAttributes.EXPERIMENT_METADATA]: serialised(metadata),
    [LangfuseOtelSpanAttributes.ENVIRONMENT]: LANGFUSE_SDK_EXPERIMENT_ENVIRONMENT,
  })
}

async function attributesOf(item: DatasetItem, trace: RouteTrace) {
  return defined({
    [LangfuseOtelSpanAttributes.EXPERIMENT_DATASET_ID]: item.datasetId,
    [LangfuseOtelSpanAttributes.EXPERIMENT_ITEM_ID]:
      item.datasetId === undefined ? await createExperimentItemId(item.input) : item.id,
    [LangfuseOtelSpanAttributes.EXPERIMENT_ITEM_METADATA]: serialised(item.metadata),
    [LangfuseOtelSpanAttributes.EXPERIMENT_ITEM_ROOT_OBSERVATION_ID]: trace.root?.id,
  })
}

function ofRoot(item: DatasetItem, description: string | undefined) {
  return defined({
    [LangfuseOtelSpanAttributes.EXPERIMENT_DESCRIPTION]: description,
    [LangfuseOtelSpanAttributes.EXPERIMENT_ITEM_EXPECTED_OUTPUT]: serialised(item.expectedOutput),
  })
}

function serialised(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function defined(attributes: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
