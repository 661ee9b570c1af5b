import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { pinning } from '../harness/processes.mjs'
import { machine } from '../harness/report.mjs'
import { chart } from './chart.mjs'
import { peerVersions } from './peers.mjs'
import { table } from './tables.mjs'
import { routes, variants } from './variants.mjs'

const FILES = {
  results: new URL('results.json', import.meta.url),
  page: new URL('../RESULTS.md', import.meta.url),
  chart: new URL('../overhead.svg', import.meta.url),
}
const FRAMEWORKS = { fastify: 'Fastify', express: 'Express' }

/** What earlier runs found. */
export function readResults() {
  return existsSync(FILES.results) ? JSON.parse(readFileSync(FILES.results, 'utf8')) : { results: [] }
}

/** Earlier results with new ones in the place of those they repeat. */
export function merged({ results: earlier }, results) {
  const name = ({ node, framework, route, variant }) => [major(node), framework, route, variant].join()
  const repeated = new Set(results.map(name))
  return {
    machine: `${machine}; ${pinning}`,
    versions: versionsNow(),
    results: [...earlier.filter(result => !repeated.has(name(result))), ...results],
  }
}

/** Writes the results as figures, as tables and as a chart. */
export function writeResults(all) {
  writeFileSync(FILES.results, `${JSON.stringify(all, rounded, 1)}\n`)
  writeFileSync(FILES.page, page(all))
  writeFileSync(FILES.chart, chart(newest(all.results)))
}

function page({ machine: place, versions, results }) {
  const sections = groups(results).map(group => {
    const { framework, route, node } = group[0]
    return `## ${FRAMEWORKS[framework]}, ${routes[route].title} (Node ${node})\n\n${table(group)}\n`
  })
  return `# What tracing costs

![CPU time per request above the bare framework](overhead.svg)

Each figure is the median of ${pairsOf(results)} server processes of a variant, least and most in brackets. Each process has one of the bare framework
beside it, and the two are under load by turns; of its turns, too, the median counts.

- **CPU µs per request**: CPU time of the whole process, worker threads and garbage collection included, until all that was recorded has been sent,
  by the requests answered; above the bare framework's: the proportion to its turn just before, times its median, as the machine's speed changes.
- **requests/s**: as a ratio to bare, and how much **of a core** the process used for them. The hello route has 256 requests open at a time (32
  connections, 8 pipelined on each), the LLM-like one 64 connections.
- **p50, p99**, and the **longest stall** of the event loop: at 1,000, 300 and 200 requests per second.
- **spans lost**: of those a tracer makes of a request when it is asked for one at a time, how many did not arrive.

Everything is sent to a process on this machine. All tracers put question and answer on the nested generation. The reference middleware is Langfuse's SDK
as it is documented: an observation per request, updated three times and ended with the response, \`propagateAttributes\` around the handlers,
\`LangfuseSpanProcessor\` with the exporter it brings.

${place}.
${versions}.

\`node benchmarks/overhead/run.mjs\` measures again, \`--quick\` in two minutes, \`--help\` says what else.

${sections.join('\n')}`
}

function pairsOf(results) {
  const counts = results.filter(({ variant }) => variant !== 'bare').map(({ runs }) => runs)
  return [...new Set(counts)].sort((a, b) => a - b).join(' or ')
}

function groups(results) {
  const all = new Map()
  const order = Object.keys(variants)
  for (const result of results) {
    const name = `${major(result.node)} ${result.framework} ${result.route}`
    all.set(name, [...(all.get(name) ?? []), result])
  }
  const place = ([{ node, route, framework }]) =>
    -1_000 * major(node) +
    10 * Object.keys(routes).indexOf(route) +
    Object.keys(FRAMEWORKS).indexOf(framework)
  return [...all.values()]
    .map(group => group.sort((a, b) => order.indexOf(a.variant) - order.indexOf(b.variant)))
    .sort((a, b) => place(a) - place(b))
}

function newest(results) {
  const last = Math.max(...results.map(({ node }) => major(node)))
  return results.filter(({ node }) => major(node) === last)
}

function major(version) {
  return Number(version.split('.')[0])
}

function versionsNow() {
  const root = new URL('../../node_modules/', import.meta.url)
  const installed = name => JSON.parse(readFileSync(new URL(`${name}/package.json`, root), 'utf8')).version
  const ours = ['express', 'fastify', '@langfuse/otel'].map(name => `${name} ${installed(name)}`)
  const peers = ['@opentelemetry/instrumentation-http', '@fastify/otel', 'dd-trace', '@sentry/node']
  const version = peerVersions()
  return [...ours, ...peers.map(name => `${name} ${version(name)}`)].join(', ')
}

function rounded(_name, value) {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value
}
