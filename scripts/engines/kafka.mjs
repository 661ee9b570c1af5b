import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { run } from './commands.mjs'
import { classPath } from './maven.mjs'
import { freePort, startSupervised } from './supervised.mjs'

const VERSION = '4.4.0'
const JAVA = [
  '-Xms128m',
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
]
// No more than what `random-uuid` prints: 16 bytes in Base64 for URLs.
const CLUSTER_ID = 'bGFuZ2Z1c2UtbWlkZGxld2'

/** Starts an Apache Kafka broker from Maven Central, on loopback, with nothing in it. */
export async function startKafka({ port, dataDirectory, properties = {} } = {}) {
  const jars = await classPath(`kafka-${VERSION}`, [
    `org.apache.kafka:kafka_2.13:${VERSION}`,
    'org.slf4j:slf4j-simple:1.7.36',
  ])
  const directory = mkdtempSync(join(tmpdir(), 'kafka-'))
  const brokerPort = port ?? (await freePort())
  const settings = {
    ...propertiesOf(brokerPort, await freePort(), dataDirectory ?? join(directory, 'data')),
    ...properties,
  }
  const file = join(directory, 'server.properties')
  writeFileSync(
    file,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  const java = args => ['java', [...JAVA, '-cp', jars, ...args]]
  await run(
    ...java(['kafka.tools.StorageTool', 'format', '--ignore-formatted', '-t', CLUSTER_ID, '-c', file]),
  )
  const start = () => {
    const [command, args] = java(['kafka.Kafka', file])
    return startSupervised({ command, args, directory, port: brokerPort })
  }
  let broker = await start()
  return {
    port: brokerPort,
    brokers: [`127.0.0.1:${brokerPort}`],
    url: `kafka://127.0.0.1:${brokerPort}`,
    kill: signal => broker.kill(signal),
    signal: name => broker.signal(name),
    async restart() {
      broker = await start()
    },
    async stop() {
      await broker.kill()
      // Kafka's own threads may still have been writing a moment ago.
      await delay(50)
      rmSync(directory, { recursive: true, force: true })
    },
    log: () => broker.log(),
  }
}

function propertiesOf(port, controller, dataDirectory) {
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT',
    'log.dirs': dataDirectory,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 3,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': false,
  }
}
