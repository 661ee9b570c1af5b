import { parseArgs } from 'node:util'
import { invalid } from '@langfuse-middleware/delivery/options'
import type { Project, WorkerOptions } from '../worker/options.ts'

/** What the command line and the environment ask for. */
export type Command =
  | { name: 'help' }
  | { name: 'version' }
  | { name: 'worker'; queueUrl: string; options: Omit<WorkerOptions, 'queue'> }
  | { name: 'redrive'; queueUrl: string; limit: number | undefined; causes: readonly string[] | undefined }

type Env = Readonly<Record<string, string | undefined>>

/** A flag, its environment variable and its line of help. */
const FLAGS = {
  queue: ['LANGFUSE_QUEUE_URL', 'kafka://host:9092/topic, sqs://… or redis://…'],
  'public-key': ['LANGFUSE_PUBLIC_KEY', 'public key of the project'],
  'secret-key': ['LANGFUSE_SECRET_KEY', 'its secret key; better set by the environment'],
  'base-url': ['LANGFUSE_BASE_URL', 'address of Langfuse (https://cloud.langfuse.com)'],
  projects: ['LANGFUSE_QUEUE_PROJECTS', 'several projects: a JSON list of { publicKey, secretKey, baseUrl }'],
  group: ['LANGFUSE_QUEUE_GROUP', 'name under which workers share the messages (langfuse-worker)'],
  'max-requests-per-second': ['LANGFUSE_QUEUE_MAX_REQUESTS_PER_SECOND', 'rate limit of requests (unlimited)'],
  'max-bytes-per-second': [
    'LANGFUSE_QUEUE_MAX_BYTES_PER_SECOND',
    'rate limit of bytes, uncompressed (unlimited)',
  ],
  'max-batch-bytes': ['LANGFUSE_QUEUE_MAX_BATCH_BYTES', 'largest request, uncompressed (2097152)'],
  'max-in-flight': ['LANGFUSE_QUEUE_MAX_IN_FLIGHT', 'requests under way for each project (4)'],
  'max-bytes': ['LANGFUSE_QUEUE_MAX_BYTES', 'bytes of messages in memory (67108864)'],
  'max-attempts': ['LANGFUSE_QUEUE_MAX_ATTEMPTS', 'tries before a body is a dead letter (10)'],
  'on-refused': ['LANGFUSE_QUEUE_ON_REFUSED', 'wait or dead-letter while keys are refused (wait)'],
  'refused-cool-down-ms': [
    'LANGFUSE_QUEUE_REFUSED_COOL_DOWN_MS',
    'time between probes while keys are refused (60000)',
  ],
  'shutdown-timeout-ms': ['LANGFUSE_QUEUE_SHUTDOWN_TIMEOUT_MS', 'longest wait at SIGTERM (25000)'],
  host: ['LANGFUSE_QUEUE_HOST', 'interface of /healthz, /readyz and /metrics (0.0.0.0)'],
  port: ['LANGFUSE_QUEUE_PORT', 'port of them (9464), or off'],
  'tail-sampling-rate': [
    'LANGFUSE_QUEUE_TAIL_SAMPLING_RATE',
    'share of traces kept that nothing else keeps; Kafka only (off)',
  ],
  'tail-sampling-directory': [
    'LANGFUSE_QUEUE_TAIL_SAMPLING_DIRECTORY',
    'where its decisions are kept (./tail-sampling)',
  ],
  'tail-sampling-quiet-ms': ['LANGFUSE_QUEUE_TAIL_SAMPLING_QUIET_MS', 'time without another span (10000)'],
  'keep-slower-than-ms': ['LANGFUSE_QUEUE_KEEP_SLOWER_THAN_MS', 'tail sampling keeps slower traces (none)'],
  limit: ['', 'redrive: most messages (unlimited)'],
  cause: ['', 'redrive: only dead letters of these causes, separated by commas'],
} as const

type Flag = keyof typeof FLAGS
type Read = (flag: Flag) => string | undefined

export const helpText: string = `usage: npx @langfuse-middleware/queue [worker] [flags]     takes messages to Langfuse
       npx @langfuse-middleware/queue redrive [flags]      puts dead letters back into the queue

${Object.entries(FLAGS)
  .map(
    ([flag, [variable, text]]) =>
      `  --${flag.padEnd(25)}${text}${variable === '' ? '' : `\n${' '.repeat(29)}${variable}`}`,
  )
  .join('\n')}
  --help, --version

The client of the queue is installed beside it: @platformatic/kafka, @aws-sdk/client-sqs or ioredis.
SIGTERM and SIGINT stop reading, deliver what was read, acknowledge it and leave the group.
`

/**
 * Reads flags, then the environment.
 *
 * @throws LANGFUSE_MIDDLEWARE_INVALID_OPTION, and what `parseArgs` throws for an unknown flag
 */
export function parseCommand(args: readonly string[], env: Env): Command {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
      ...Object.fromEntries(Object.keys(FLAGS).map(flag => [flag, { type: 'string' }] as const)),
    },
  })
  if (values.help) return { name: 'help' }
  if (values.version) return { name: 'version' }
  const [command = 'worker', ...rest] = positionals
  if ((command !== 'worker' && command !== 'redrive') || rest.length > 0)
    invalid('the command', 'worker or redrive', positionals.join(' '))
  const read: Read = flag => {
    const value = (values as Record<string, unknown>)[flag] ?? (FLAGS[flag][0] && env[FLAGS[flag][0]])
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
  }
  const queueUrl = read('queue')
  if (queueUrl === undefined)
    return invalid('--queue or LANGFUSE_QUEUE_URL', 'kafka://…, sqs://… or redis://…', undefined)
  if (command === 'redrive')
    return { name: 'redrive', queueUrl, limit: number(read, 'limit'), causes: read('cause')?.split(',') }
  return { name: 'worker', queueUrl, options: workerOptions(read, env) }
}

function workerOptions(read: Read, env: Env): Omit<WorkerOptions, 'queue'> {
  const port = read('port')
  return {
    projects: projectsOf(read, env),
    group: read('group'),
    maxBatchBytes: number(read, 'max-batch-bytes'),
    maxInFlight: number(read, 'max-in-flight'),
    maxBytes: number(read, 'max-bytes'),
    maxAttempts: number(read, 'max-attempts'),
    onRefused: read('on-refused') as WorkerOptions['onRefused'],
    refusedCoolDownMs: number(read, 'refused-cool-down-ms'),
    shutdownTimeoutMs: number(read, 'shutdown-timeout-ms'),
    rateLimit: {
      requestsPerSecond: number(read, 'max-requests-per-second'),
      bytesPerSecond: number(read, 'max-bytes-per-second'),
    },
    tailSampling: tailSampling(read),
    monitoring: port === 'off' ? false : { port: number(read, 'port'), host: read('host') },
  }
}

function tailSampling(read: Read): WorkerOptions['tailSampling'] {
  const rate = number(read, 'tail-sampling-rate')
  if (rate === undefined) return undefined
  return {
    rate,
    directory: read('tail-sampling-directory') ?? './tail-sampling',
    quietMs: number(read, 'tail-sampling-quiet-ms'),
    keepSlowerThanMs: number(read, 'keep-slower-than-ms'),
  }
}

function projectsOf(read: Read, env: Env): Project[] {
  const baseUrl = read('base-url') ?? env.LANGFUSE_HOST
  const list = read('projects')
  if (list !== undefined) {
    let projects: Project[]
    try {
      projects = JSON.parse(list)
      return projects.map(project => ({ baseUrl, ...project }))
    } catch {
      // The value is not shown, because it holds secrets.
      return invalid('--projects', 'a JSON list of { publicKey, secretKey, baseUrl }', 'something else')
    }
  }
  const [publicKey, secretKey] = [read('public-key'), read('secret-key')]
  if (publicKey !== undefined && secretKey !== undefined) return [{ publicKey, secretKey, baseUrl }]
  return invalid('LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY, or LANGFUSE_QUEUE_PROJECTS', 'set', undefined)
}

function number(read: Read, flag: Flag): number | undefined {
  const text = read(flag)
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isFinite(value)) return value
  return invalid(`--${flag}`, 'a number', text)
}
