import { LangfuseClient, type RunnerContext } from '@langfuse/client'
import { resolveOptions } from '@langfuse-middleware/core'
import { isInspector } from '../trace/trace-source.ts'

/** Langfuse as a run uses it. */
export interface LangfuseConnection {
  readonly client: LangfuseClient
  readonly publicKey: string
  readonly secretKey: string
  readonly baseUrl: string
  /** True if the local inspector answers at `baseUrl`: it keeps traces and scores, and has no datasets. */
  readonly isInspector: boolean
  /** Handed over by Langfuse's experiment runner. */
  readonly context: RunnerContext | undefined
}

/** A client, the context that Langfuse's experiment runner hands over, or `false` for a run without Langfuse. */
export type LangfuseOption = LangfuseClient | RunnerContext | false | undefined

/** Connects to Langfuse by the keys of the environment; undefined without keys. */
export async function connect(option: LangfuseOption): Promise<LangfuseConnection | undefined> {
  if (option === false) return undefined
  const { destination } = resolveOptions({}, process.env)
  if (destination.kind !== 'langfuse' && destination.kind !== 'inspector') return undefined
  const { publicKey, secretKey, baseUrl } = destination
  const isLocal = await isInspector(baseUrl)
  // Without keys the inspector is a default address at which nothing may listen.
  if (destination.kind === 'inspector' && !isLocal) return undefined
  const context = isRunnerContext(option) ? option : undefined
  const given = context?.client ?? (option as LangfuseClient | undefined)
  const client = given ?? new LangfuseClient({ publicKey, secretKey, baseUrl })
  return { client, publicKey, secretKey, baseUrl, isInspector: isLocal, context }
}

function isRunnerContext(option: LangfuseOption): option is RunnerContext {
  return typeof (option as RunnerContext | undefined)?.runExperiment === 'function'
}
