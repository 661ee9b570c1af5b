import { loadClient } from '../basics/missing-package.ts'
import type { SqsClient, SqsConfig } from './options.ts'

type Sdk = typeof import('@aws-sdk/client-sqs')

/** The SDK with a client of it. */
export interface Sqs {
  readonly sdk: Sdk
  readonly client: SqsClient
  /** Sends a command, with a deadline. */
  send<Output>(command: object, timeoutMs?: number): Promise<Output>
  close(): void
}

/** Loads the SDK and creates a client, unless the options bring one. */
export async function openSqs(config: SqsConfig): Promise<Sqs> {
  const sdk = await loadClient('@aws-sdk/client-sqs', 'sqsQueue()', () => import('@aws-sdk/client-sqs'))
  const own = config.client === undefined ? createClient(sdk, config) : undefined
  const client = config.client ?? (own as unknown as SqsClient)
  return {
    sdk,
    client,
    send: (command, timeoutMs = config.timeoutMs) =>
      client.send(command, { abortSignal: AbortSignal.timeout(timeoutMs) }),
    close: () => own?.destroy(),
  }
}

function createClient({ SQSClient }: Sdk, { region, endpoint, credentials, urls }: SqsConfig) {
  const regionOfUrl = new URL(urls.spans).hostname.match(/^sqs\.([a-z0-9-]+)\.amazonaws\./)?.[1]
  const chosenRegion = region ?? regionOfUrl
  return new SQSClient({
    ...(chosenRegion !== undefined && { region: chosenRegion }),
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials !== undefined && { credentials }),
    // Outbox and spool own the retries.
    maxAttempts: 1,
  })
}
