import type { Admin } from '@platformatic/kafka'
import { connectionOptions, loadKafka } from './client.ts'
import type { KafkaConfig } from './options.ts'

const CREATION_TIMEOUT_MS = 30_000

/** Creates the topics that are missing, if the options ask for it. */
export async function createMissingTopics(config: KafkaConfig): Promise<void> {
  if (config.createTopics === undefined) return
  const { partitions, replicationFactor = 1 } = config.createTopics
  const kafka = await loadKafka()
  const admin = new kafka.Admin({ ...connectionOptions(config), timeout: CREATION_TIMEOUT_MS })
  try {
    const existing = new Set(await admin.listTopics())
    for (const topic of Object.values(config.topics)) {
      if (existing.has(topic)) continue
      await admin
        .createTopics({
          topics: [topic],
          partitions,
          replicas: replicationFactor,
          // An app's clock that is wrong must not make the broker refuse or expire its messages.
          configs: [{ name: 'message.timestamp.type', value: 'LogAppendTime' }],
        })
        .catch(ignoreExisting)
      await untilKnown(admin, topic)
    }
  } finally {
    await admin.close()
  }
}

/** A broker knows of a topic only some time after it was created. */
async function untilKnown(admin: Admin, topic: string): Promise<void> {
  const deadline = performance.now() + CREATION_TIMEOUT_MS
  while (performance.now() < deadline) {
    const known = await admin.metadata({ topics: [topic], forceUpdate: true }).catch(() => undefined)
    if (known?.topics.has(topic)) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

function ignoreExisting(error: { findBy?: (property: string, value: string) => unknown }): void {
  if (!error.findBy?.('apiId', 'TOPIC_ALREADY_EXISTS')) throw error
}
