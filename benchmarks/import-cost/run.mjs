// What an adapter adds to the start of an app: time and memory of its import and of the start of tracing.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

const RUNS = 25
const GOAL_MS = 15
const STEPS = ['framework', 'adapter', 'start of tracing']

const rows = ['express', 'fastify'].flatMap(framework =>
  ['import', 'require'].map(how => ({ framework, how, steps: mediansOf(framework, how) })),
)
const slowest = Math.max(...rows.map(({ steps }) => steps[1].ms))
const report = `# Cost of importing an adapter

Medians of ${RUNS} processes, each with a warm file cache; Node.js ${process.versions.node}, ${cpus()[0]?.model ?? 'unknown'}.
Each column is on top of the one to its left. The goal is an adapter of at most ${GOAL_MS} ms; the slowest here takes ${slowest.toFixed(1)} ms.

| | ${STEPS.join(' | ')} |
|---|---|---|---|
${rows.map(({ framework, how, steps }) => `| \`${how}\` ${framework} | ${steps.map(printed).join(' | ')} |`).join('\n')}

Made by \`node benchmarks/import-cost/run.mjs\`.
`
console.log(report)
writeFileSync(new URL('RESULTS.md', import.meta.url), report)

function mediansOf(framework, how) {
  const program = fileURLToPath(new URL('load.cjs', import.meta.url))
  const runs = Array.from({ length: RUNS + 1 }, () =>
    JSON.parse(execFileSync(process.execPath, [program, framework, how], { encoding: 'utf8' })),
  ).slice(1)
  return STEPS.map((_, index) => ({
    ms: median(runs.map(steps => steps[index].ms)),
    megabytes: median(runs.map(steps => steps[index].megabytes)),
  }))
}

function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1]
}

function printed({ ms, megabytes }) {
  return `${ms.toFixed(1)} ms, ${megabytes.toFixed(1)} MB`
}
