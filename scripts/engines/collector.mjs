import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached } from './cache.mjs'
import { run, versionOf } from './commands.mjs'
import { startSupervised } from './supervised.mjs'

const CORE = 'v0.165.0'
const CONTRIB = 'v0.165.1'

/** Why the Collector cannot be built here; undefined if it can. */
export function whyNoCollector() {
  const version = versionOf('go', ['version'])
  if (version === undefined) return 'Go is not installed'
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(version) ?? []
  return Number(major) > 1 || Number(minor) >= 25 ? undefined : `Go 1.25 is needed, this is ${major}.${minor}`
}

/** Builds the Collector with Kafka in and out; about two minutes, once for a machine. */
async function buildCollector() {
  const folder = await cached(`otelcol-${CONTRIB}`, async directory => {
    const contrib = 'github.com/open-telemetry/opentelemetry-collector-contrib'
    const source = join(directory, 'source')
    writeFileSync(
      join(directory, 'builder.yaml'),
      `dist: {name: otelcol, output_path: ${source}, version: ${CONTRIB.slice(1)}}
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver ${CORE}
  - gomod: ${contrib}/receiver/kafkareceiver ${CONTRIB}
exporters:
  - gomod: go.opentelemetry.io/collector/exporter/otlphttpexporter ${CORE}
  - gomod: ${contrib}/exporter/kafkaexporter ${CONTRIB}
`,
    )
    const env = { ...process.env, GOFLAGS: '-mod=mod' }
    const builder = `go.opentelemetry.io/collector/cmd/builder@${CORE}`
    await run('go', ['run', builder, '--config', 'builder.yaml', '--skip-compilation'], {
      cwd: directory,
      env,
    })
    const flags = ['-trimpath', '-ldflags=-s -w', '-o', join(directory, 'otelcol')]
    await run('go', ['build', ...flags, '.'], { cwd: source, env: { ...process.env, CGO_ENABLED: '0' } })
    rmSync(source, { recursive: true })
  })
  return join(folder, 'otelcol')
}

/** Starts the Collector with a configuration; `port` is one that it opens. */
export async function startCollector({ config, port, env }) {
  const command = await buildCollector()
  const directory = mkdtempSync(join(tmpdir(), 'otelcol-'))
  writeFileSync(join(directory, 'config.yaml'), config)
  const start = () => startSupervised({ command, args: ['--config', 'config.yaml'], directory, port, env })
  let collector = await start()
  return {
    port,
    kill: signal => collector.kill(signal),
    async restart() {
      collector = await start()
    },
    async stop() {
      await collector.kill()
      rmSync(directory, { recursive: true, force: true })
    },
    log: () => collector.log(),
  }
}
