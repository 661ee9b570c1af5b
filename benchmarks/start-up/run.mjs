// What tracing adds to the start of an app, in time and memory: the import of an adapter and the start of tracing, on top of the framework.
// node benchmarks/start-up/run.mjs [--quick] [--node current,22,24]
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildPackages } from '../harness/build.mjs'
import { nodePrograms } from '../harness/node-versions.mjs'
import { machine, markdownTable, progress } from '../harness/report.mjs'
import { median } from '../harness/statistics.mjs'

const STEPS = ['framework', 'adapter', 'start of tracing']
const GOALS_MS = { adapter: 15, 'start of tracing': 150 }

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, node: { type: 'string', default: 'current,22,24' } },
})
const runs = values.quick ? 5 : 25
buildPackages()

const rows = []
const slowest = new Map()
for (const { path, version } of nodePrograms(values.node)) {
  for (const framework of ['express', 'fastify']) {
    for (const how of ['import', 'require']) {
      progress(`Node ${version}: ${how} ${framework}`)
      const steps = mediansOf(path, framework, how)
      for (const [index, { ms }] of steps.entries()) {
        slowest.set(STEPS[index], Math.max(ms, slowest.get(STEPS[index]) ?? 0))
      }
      rows.push([version, `\`${how}\` ${framework}`, ...steps.map(printed)])
    }
  }
}
progress('')

const goals = Object.entries(GOALS_MS).map(
  ([step, ms]) => `${step} at most ${ms} ms (the slowest here takes ${slowest.get(step).toFixed(1)} ms)`,
)
const report = `# What tracing adds to the start of an app

Medians of ${runs} processes, each with a warm file cache; ${machine}.
Each column is on top of the one to its left: time, and resident memory. The goals: ${goals.join(', ')}.

${markdownTable(['Node.js', '', ...STEPS], rows)}

\`node benchmarks/start-up/run.mjs\` measures again.
`
console.log(report)
if (!values.quick) writeFileSync(new URL('RESULTS.md', import.meta.url), report)

function mediansOf(node, framework, how) {
  const program = fileURLToPath(new URL('load.cjs', import.meta.url))
  const all = Array.from({ length: runs + 1 }, () =>
    JSON.parse(execFileSync(node, [program, framework, how], { encoding: 'utf8' })),
  ).slice(1)
  return STEPS.map((_, index) => ({
    ms: median(all.map(steps => steps[index].ms)),
    megabytes: median(all.map(steps => steps[index].megabytes)),
  }))
}

function printed({ ms, megabytes }) {
  return `${ms.toFixed(1)} ms, ${megabytes.toFixed(1)} MB`
}
