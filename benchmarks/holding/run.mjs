// What it costs to hold a request's observations for one verdict: `node benchmarks/holding/run.mjs [--quick]`.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const quick = process.argv.includes('--quick')
const pairs = quick ? 2 : 5
const requests = quick ? 10_000 : 40_000
const rows = []

for (const children of [0, 1, 3, 10]) {
  const runs = { 'not held': [], held: [] }
  for (let pair = 0; pair < pairs; pair += 1) {
    for (const variant of Object.keys(runs)) {
      process.stderr.write(`\r${children} children, pair ${pair + 1} of ${pairs}, ${variant.padEnd(10)}`)
      const args = ['--expose-gc', join(here, 'measure.mjs'), variant, String(children), String(requests)]
      runs[variant].push(JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })))
    }
  }
  const ratios = runs.held.map((held, pair) => held.cpuUs / runs['not held'][pair].cpuUs)
  rows.push([
    children,
    spread(runs['not held'].map(run => run.cpuUs)),
    spread(runs.held.map(run => run.cpuUs)),
    spread(ratios, 2),
    Math.round(median(runs['not held'].map(run => run.bytesPerOpenRequest))),
    Math.round(median(runs.held.map(run => run.bytesPerOpenRequest))),
  ])
}
process.stderr.write(`${'\r'.padEnd(60)}\r`)

const head = [
  'children',
  'not held, CPU µs',
  'held, CPU µs',
  'ratio',
  'not held, bytes open',
  'held, bytes open',
]
const table = [head, head.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |`).join('\n')
process.stdout.write(`${table}\n`)
if (!quick) {
  writeFileSync(
    join(here, 'RESULTS.md'),
    `# What holding costs

CPU time per request and heap per open request, for a request with so many ended children: straight through
\`LangfuseSpanProcessor\` with \`propagateAttributes\`, and through this middleware's request trace and buffer, into an exporter that
takes everything. Medians of ${pairs} alternating pairs, least and most in brackets.
\`node benchmarks/holding/run.mjs\` measures again.

${table}

Node ${process.versions.node}, ${cpus().length} × ${cpus()[0].model.trim()}.
`,
  )
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

function spread(values, digits = 1) {
  const [least, middle, most] = [Math.min(...values), median(values), Math.max(...values)].map(one =>
    one.toFixed(digits),
  )
  return `${middle} (${least}–${most})`
}
