import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { classPath } from './maven.mjs'
import { freePort, startSupervised } from './supervised.mjs'

const VERSION = '1.7.1'

/** Starts ElasticMQ, a server that speaks SQS and keeps its limits, from Maven Central. Its queues are in memory. */
export async function startElasticMq({ queues = [], port } = {}) {
  const jars = await classPath(`elasticmq-${VERSION}`, [`org.elasticmq:elasticmq-server_2.13:${VERSION}`])
  const directory = mkdtempSync(join(tmpdir(), 'elasticmq-'))
  const serverPort = port ?? (await freePort())
  writeFileSync(
    join(directory, 'elasticmq.conf'),
    `include classpath("application.conf")
node-address { protocol = http, host = "127.0.0.1", port = ${serverPort}, context-path = "" }
rest-sqs { enabled = true, bind-hostname = "127.0.0.1", bind-port = ${serverPort}, sqs-limits = strict }
rest-stats.enabled = false
queues { ${queues.map(name => `${JSON.stringify(name)} {}`).join(', ')} }
`,
  )
  const memory = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
  const args = [...memory, '-Dconfig.file=elasticmq.conf', '-cp', jars, 'org.elasticmq.server.Main']
  const start = () => startSupervised({ command: 'java', args, directory, port: serverPort })
  let server = await start()
  return {
    port: serverPort,
    endpoint: `http://127.0.0.1:${serverPort}`,
    url: `sqs://127.0.0.1:${serverPort}/000000000000/${queues[0] ?? 'langfuse'}`,
    kill: signal => server.kill(signal),
    signal: name => server.signal(name),
    async restart() {
      server = await start()
    },
    async stop() {
      await server.kill()
      rmSync(directory, { recursive: true, force: true })
    },
    log: () => server.log(),
  }
}
