// Delivery under faults, beside the SDK's own exporter: node benchmarks/delivery/run.mjs [--quick] [--only <text>]
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { encodingCosts, longestStalls } from './encoding.mjs'
import { leavingScenarios } from './leaving.mjs'
import { scenarios } from './scenarios.mjs'

const quick = process.argv.includes('--quick')
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : ''
const times = quick ? { outageMs: 5000, settleMs: 2000 } : { outageMs: 60_000, settleMs: 5000 }
const NAMES = { outbox: 'outbox', spool: 'outbox + spool', sdk: "SDK's own" }
const output = []

heading('Encoding and the event loop')
if (only === '') {
  table(
    ['span', 'encoder', 'µs per span'],
    encodingCosts().map(({ kind, encoder, nanoseconds }) => [kind, encoder, (nanoseconds / 1000).toFixed(2)]),
  )
  const count = quick ? 5000 : 20_000
  say(
    `Longest stall of the event loop (main thread on its processor, median of 7 rounds) while ${count.toLocaleString('en-US')} generations of 6 KB handed in at one stroke are delivered:`,
  )
  say('')
  table(
    ['exporter', 'ms'],
    (await longestStalls(count)).map(({ exporter, ms }) => [exporter, ms.toFixed(1)]),
  )
}

heading('Delivery under faults')
const rows = []
for (const { name, exporters, run } of scenarios) {
  if (!name.includes(only)) continue
  const all = await Promise.all(exporters.map(async exporter => [exporter, await run(exporter, times)]))
  for (const [exporter, figures] of all) rows.push([name, NAMES[exporter], ...cells(figures)])
  process.stderr.write(`${name}\n`)
}
table(
  [
    'scenario',
    'exporter',
    'sent',
    'received',
    'duplicated',
    'lost',
    'of it unwritten',
    'counted as dropped',
    'silent',
    'peak MiB',
  ],
  rows,
)
heading('Ending under load')
const endings = []
for (const { name, exporters, run } of leavingScenarios) {
  if (!name.includes(only)) continue
  for (const exporter of exporters) {
    const { answered, delivered, spooled, counted, silent } = await run(exporter)
    const figures = [answered, delivered, spooled, counted, silent].map(number =>
      number.toLocaleString('en-US'),
    )
    endings.push([name, NAMES[exporter], ...figures])
  }
  process.stderr.write(`${name}\n`)
}
table(['scenario', 'exporter', 'answered', 'delivered', 'spooled', 'counted', 'silent'], endings)
if (only === '') {
  const file = join(import.meta.dirname, 'RESULTS.md')
  writeFileSync(file, `${preamble()}\n${output.join('\n').trimEnd()}\n`)
}

function cells({ sent, received, duplicated, differing, lost, unwritten, counted, silent, peakMiB }) {
  const numbers = [
    sent,
    received,
    differing > 0 ? `${duplicated} (${differing} differ)` : duplicated,
    lost,
    unwritten,
    counted ?? '–',
    silent,
    peakMiB,
  ]
  return numbers.map(number => (typeof number === 'number' ? number.toLocaleString('en-US') : number))
}

function preamble() {
  return `# Delivery: results

Written by \`node benchmarks/delivery/run.mjs${quick ? ' --quick' : ''}\` on ${cpus().length} × ${cpus()[0].model}, Node ${process.versions.node}.
A real server process stands in for Langfuse; a request is a small span and a generation of 2 KB in, 4 KB out, an outage lasts
${times.outageMs / 1000} s. Spans go through Langfuse's span processor in every line. \`duplicated\` are spans received again, each the same to the
byte; \`lost\` is sent less received; \`unwritten\` had not reached the disk when the process was killed. Where memory or disk is bounded,
what is lost and what the outbox counts as dropped must be the same number. \`silent\` is what was lost and neither spooled, counted, nor unwritten when
the process was killed.
`
}

function heading(text) {
  say(`## ${text}`)
  say('')
}

function table(header, lines) {
  const all = [header, ...lines]
  const widths = header.map((_, column) => Math.max(...all.map(line => String(line[column]).length)))
  const row = line => `| ${line.map((cell, column) => String(cell).padEnd(widths[column])).join(' | ')} |`
  say(row(header))
  say(`|${widths.map(width => '-'.repeat(width + 2)).join('|')}|`)
  for (const line of lines) say(row(line))
  say('')
}

function say(line) {
  output.push(line)
  process.stdout.write(`${line}\n`)
}
