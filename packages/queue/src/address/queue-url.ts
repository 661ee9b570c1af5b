import { invalid } from '@langfuse-middleware/delivery/options'
import type { MessageQueue } from '../contract/message-queue.ts'
import { kafkaQueue } from '../kafka/kafka-queue.ts'
import type { KafkaQueueOptions, KafkaSasl } from '../kafka/options.ts'
import { redisQueue } from '../redis/redis-queue.ts'
import { sqsQueue } from '../sqs/sqs-queue.ts'

const KAFKA = /^kafka:\/\/(?:([^:@/]*):([^@/]*)@)?([^/?]+)(?:\/([^?]*))?(\?.*)?$/
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/**
 * Creates a queue from a URL, as in `LANGFUSE_QUEUE_URL`. Options of the queue are parameters of the URL.
 *
 * @throws LANGFUSE_MIDDLEWARE_INVALID_OPTION
 * @example
 * queueFromUrl('kafka://kafka-1:9092,kafka-2:9092/otlp_spans?tls=true')
 * queueFromUrl('sqs://sqs.eu-west-1.amazonaws.com/123456789012/langfuse')
 * queueFromUrl('redis://localhost:6379/0?stream=otlp_spans')
 */
export function queueFromUrl(url: string): MessageQueue {
  const protocol = /^([a-z]+):\/\//.exec(url)?.[1]
  if (protocol === 'kafka') return kafkaFromUrl(url)
  if (protocol === 'sqs' && URL.canParse(url)) return sqsFromUrl(new URL(url))
  if ((protocol === 'redis' || protocol === 'rediss') && URL.canParse(url)) return redisFromUrl(new URL(url))
  // The URL may hold a password.
  return invalid(
    'LANGFUSE_QUEUE_URL',
    'a URL that starts with kafka://, sqs://, redis:// or rediss://',
    protocol === undefined ? 'something else' : `${protocol}://…`,
  )
}

function kafkaFromUrl(url: string): MessageQueue {
  const [, username, password, hosts, path, query = ''] = KAFKA.exec(url) ?? []
  if (hosts === undefined) return invalid('LANGFUSE_QUEUE_URL', 'kafka://host:port/topic', 'kafka://…')
  const parameters = parametersOf(new URLSearchParams(query), [
    'scoresTopic',
    'deadLetterTopic',
    'clientId',
    'tls',
    'mechanism',
    'compression',
    'maxMessageBytes',
    'timeoutMs',
    'partitions',
    'replicationFactor',
  ])
  const { tls, mechanism, partitions, replicationFactor, compression, ...texts } = parameters
  const sasl = username && {
    username: decodeURIComponent(username),
    password: decodeURIComponent(password ?? ''),
    mechanism: mechanism?.toUpperCase() as KafkaSasl['mechanism'],
  }
  return kafkaQueue({
    ...withNumbers(texts, ['maxMessageBytes', 'timeoutMs']),
    brokers: hosts.split(','),
    ...(path && { topic: decodeURIComponent(path) }),
    ...(sasl && { sasl }),
    ...(tls === 'true' && { tls: true }),
    ...(compression !== undefined && { compression: compression as KafkaQueueOptions['compression'] }),
    ...(partitions !== undefined && {
      createTopics: { partitions: Number(partitions), replicationFactor: Number(replicationFactor ?? 1) },
    }),
  })
}

function sqsFromUrl(url: URL): MessageQueue {
  const { scoresQueueUrl, deadLetterQueueUrl, region, tls, ...numbers } = parametersOf(url.searchParams, [
    'scoresQueueUrl',
    'deadLetterQueueUrl',
    'region',
    'tls',
    'maxMessageBytes',
    'timeoutMs',
    'visibilityTimeoutSeconds',
  ])
  const scheme = tls === 'false' || (tls === undefined && LOOPBACK.test(url.hostname)) ? 'http' : 'https'
  const origin = `${scheme}://${url.host}`
  const isAws = /\.amazonaws\.com(\.cn)?$/.test(url.hostname)
  return sqsQueue({
    queueUrl: origin + url.pathname,
    scoresQueueUrl,
    deadLetterQueueUrl,
    // Other services ignore the region, but the SDK insists on one.
    ...(isAws ? { region } : { endpoint: origin, region: region ?? 'us-east-1' }),
    ...withNumbers(numbers, ['maxMessageBytes', 'timeoutMs', 'visibilityTimeoutSeconds']),
  })
}

function redisFromUrl(url: URL): MessageQueue {
  const parameters = parametersOf(url.searchParams, [
    'stream',
    'scoresStream',
    'deadLetterStream',
    'timeoutMs',
    'claimAfterMs',
  ])
  const address = new URL(url)
  address.search = ''
  return redisQueue({ url: address.href, ...withNumbers(parameters, ['timeoutMs', 'claimAfterMs']) })
}

/** Parameters of the URL. A misspelt one is an error, because it would be ignored otherwise. */
function parametersOf<Name extends string>(
  parameters: URLSearchParams,
  names: readonly Name[],
): { [name in Name]?: string } {
  for (const name of parameters.keys()) {
    if (!names.includes(name as Name))
      invalid('LANGFUSE_QUEUE_URL', `a URL with no parameters but ${names.join(', ')}`, name)
  }
  return Object.fromEntries(parameters) as { [name in Name]?: string }
}

function withNumbers<Texts extends { [name: string]: string | undefined }, Name extends string>(
  texts: Texts,
  names: readonly Name[],
): Omit<Texts, Name> & { [name in Name]?: number } {
  const numbers = names
    .filter(name => texts[name] !== undefined)
    .map(name => [name, Number(texts[name])] as const)
  return { ...texts, ...Object.fromEntries(numbers) } as Omit<Texts, Name> & { [name in Name]?: number }
}
