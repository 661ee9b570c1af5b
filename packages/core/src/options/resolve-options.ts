import {
  checkNames,
  invalid,
  MiddlewareError,
  resolveEntry,
  resolveTable,
} from '@langfuse-middleware/delivery/options'
import { type Destination, resolveDestination } from './destination.ts'
import { type Env, environmentKind, variablesOf } from './environment.ts'
import { type InspectorConfig, resolveInspector } from './inspector-options.ts'
import { tierDefaults } from './tier.ts'
import {
  type ResolvedTracingOptions,
  TRACING_OPTIONS,
  type TracingOptions,
  type TracingSource,
} from './tracing-options.ts'

/** TracingOptions with everything decided. */
export interface TracingConfig
  extends Omit<ResolvedTracingOptions, 'publicKey' | 'secretKey' | 'baseUrl' | 'langfuse' | 'inspector'> {
  readonly destination: Destination
  readonly inspector: InspectorConfig
  /** What was corrected, to be warned of. */
  readonly corrections: readonly string[]
}

/**
 * Decides every option: code beats environment variables beats tier.
 *
 * @throws MiddlewareError LANGFUSE_MIDDLEWARE_INVALID_OPTION, LANGFUSE_MIDDLEWARE_UNKNOWN_OPTION
 * @example
 * resolveOptions({ tier: 'growth' }, process.env).sampling.rate
 */
export function resolveOptions(options: TracingOptions = {}, env: Env = process.env): TracingConfig {
  checkNames('options', options, Object.keys(TRACING_OPTIONS))
  // These two decide where the values of the others come from.
  const plain = { ...variablesOf(env), tier: tierDefaults('starter', 'development') }
  const environment = resolveEntry('environment', options.environment, TRACING_OPTIONS.environment, plain)
  const tier = resolveEntry('tier', options.tier, TRACING_OPTIONS.tier, plain)
  const kind = environmentKind(environment)
  const source = { ...variablesOf(env, kind), tier: tierDefaults(tier, kind) }

  const { publicKey, secretKey, baseUrl, langfuse, inspector, ...resolved } = resolveTable<
    TracingOptions,
    ResolvedTracingOptions,
    TracingSource
  >('', { ...options, environment, tier }, TRACING_OPTIONS, source)
  checkKeyOrder(publicKey, secretKey)
  const local = resolveInspector(inspector, env, kind)
  return Object.freeze({
    ...resolved,
    destination:
      destinationByOption({ ...resolved, langfuse, inspector, queue: options.queue }) ??
      resolveDestination({ publicKey, secretKey, baseUrl }, env, kind, local, resolved.queue !== undefined),
    inspector: local,
    corrections: correctionsOf(options, env, environment),
  })
}

/** Throws if the public and the secret key are swapped. The secret one must not be in the message. */
function checkKeyOrder(publicKey: string | undefined, secretKey: string | undefined): void {
  if (!publicKey?.startsWith('sk-lf-') && !secretKey?.startsWith('pk-lf-')) return
  throw new MiddlewareError(
    'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
    'the Langfuse keys are swapped: LANGFUSE_PUBLIC_KEY (publicKey) must start with pk-lf-, LANGFUSE_SECRET_KEY (secretKey) with sk-lf-',
  )
}

function correctionsOf(options: TracingOptions, env: Env, environment: string): string[] {
  const { variable } = variablesOf(env)
  const nodeEnv = variable('NODE_ENV')
  const isOwn = options.environment !== undefined || variable('LANGFUSE_TRACING_ENVIRONMENT') !== undefined
  if (isOwn || nodeEnv === undefined || nodeEnv.toLowerCase() === environment) return []
  return [
    `environment "${environment}" is made from NODE_ENV ${JSON.stringify(nodeEnv)}, which Langfuse does not accept as a name; set LANGFUSE_TRACING_ENVIRONMENT to choose another`,
  ]
}

/** The destination if an option takes Langfuse's place. */
function destinationByOption({
  exporter,
  mirrors,
  inspector,
  langfuse,
  queue,
}: Pick<ResolvedTracingOptions, 'exporter' | 'mirrors' | 'inspector' | 'langfuse' | 'queue'>):
  | Destination
  | undefined {
  if (exporter !== undefined) {
    if (mirrors.length > 0) invalid('mirrors', 'absent if `exporter` is set', mirrors)
    if (inspector) invalid('inspector', 'absent if `exporter` is set', inspector)
    if (queue !== undefined) invalid('queue', 'absent if `exporter` is set', queue)
    return { kind: 'exporter' }
  }
  if (langfuse) return undefined
  if (mirrors.length === 0) invalid('langfuse', 'true unless there are `mirrors`', langfuse)
  return { kind: 'mirrors' }
}
