// What a traced request costs beside few and many open ones, and with few and many spans waiting for a Langfuse that is away:
// node benchmarks/growth/run.mjs [--node 24] [--turns 9] [--seconds 0.4] [--write]
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { buildPackages } from '../harness/build.mjs'
import { nodePrograms } from '../harness/node-versions.mjs'
import { pinning } from '../harness/processes.mjs'
import { machine, markdownTable, progress } from '../harness/report.mjs'
import { median } from '../harness/statistics.mjs'
import { loadOf, warmUp } from '../overhead/measure.mjs'
import { startLoader, startServer, startSink } from '../overhead/processes.mjs'

const { values } = parseArgs({
  options: {
    node: { type: 'string', default: 'current' },
    turns: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '0.4' },
    write: { type: 'boolean' },
  },
})
const OPEN = [0, 10, 100, 1_000]
const WAITING = [0, 10_000, 30_000, 60_000]
const turns = Number(values.turns)
const measuredMs = 1_000 * Number(values.seconds)
const frameworks = { fastify: 'Fastify', express: 'Express' }

buildPackages()
const [{ path: program, version }] = nodePrograms(values.node)
const [loader, sink] = await Promise.all([startLoader(), startSink()])
const opened = []
const waited = []
let bareCosts
for (const [framework, title] of Object.entries(frameworks)) {
  bareCosts = []
  const bare = await startWarm(framework, 'bare')
  opened.push([title, ...(await besideOpenRequests(framework, bare))])
  waited.push([title, ...(await besideWaitingSpans(framework, bare))])
  await bare.stop()
}
await Promise.all([loader.stop(), sink.stop()])

const report = `# What grows with load

CPU µs of a traced request that answers at once, above the bare framework's: the median of ${turns} turns, least and most in brackets, each turn beside
one of the bare framework.

Node ${version}, ${machine}; ${pinning}. \`node benchmarks/growth/run.mjs --write\` measures again.

With so many other requests open:

${markdownTable(['', ...OPEN.map(count => count.toLocaleString('en-US'))], opened)}

With spans sent as they come, and with so many waiting at first for a Langfuse that is away, where nothing is sent; a turn adds some thousands:

${markdownTable(['', 'sent', ...WAITING.map(count => count.toLocaleString('en-US'))], waited)}
`
process.stdout.write(`\n${report}`)
if (values.write) writeFileSync(join(import.meta.dirname, 'RESULTS.md'), report)

async function startWarm(framework, variant, baseUrl) {
  const server = await startServer({ variant, framework, route: 'hello', baseUrl }, program)
  const load = loadOf('hello', server.port)
  await warmUp(loader, load, 2_000)
  return { ...server, load, waiting: async () => (await server.ask('stats')).delivery.langfuse.waiting }
}

/** Requests are left open on both sides, so that only what tracing does of them is counted. */
async function besideOpenRequests(framework, bare) {
  const traced = await startWarm(framework, 'ours-traced', sink.baseUrl)
  const sockets = []
  const cells = []
  for (const count of OPEN) {
    progress(`${frameworks[framework]}, ${count} requests open`)
    for (let open = sockets.length / 2; open < count; open += 1)
      sockets.push(await hold(bare.port), await hold(traced.port))
    while ((await traced.ask('stats')).requests.open < count) await delay(20)
    const costs = []
    for (let turn = 0; turn < turns; turn += 1) costs.push(await turnOf(bare, traced))
    cells.push(cell(costs))
  }
  for (const socket of sockets) socket.destroy()
  await traced.stop()
  return cells
}

/** Langfuse goes away and comes back in every round, since what waits must be gone before the next. */
async function besideWaitingSpans(framework, bare) {
  const langfuse = await startLangfuse()
  const traced = await startWarm(framework, 'ours-traced', langfuse.baseUrl)
  const costs = [[], ...WAITING.map(() => [])]
  for (let round = 0; round < turns; round += 1) {
    progress(`${frameworks[framework]}, spans waiting, round ${round + 1} of ${turns}`)
    langfuse.away = false
    do await traced.ask('flush')
    while ((await traced.waiting()) > 0)
    costs[0].push(await turnOf(bare, traced))
    await traced.ask('flush')
    langfuse.away = true
    for (const [index, count] of WAITING.entries()) {
      while ((await traced.waiting()) < count) await underLoad(traced, 100)
      costs[index + 1].push(await turnOf(bare, traced))
    }
  }
  await traced.stop()
  langfuse.stop()
  return costs.map(cell)
}

/** One turn of each: what a traced request costs above the bare one, by the proportion of both times the bare's usual cost. */
async function turnOf(bare, traced) {
  const alone = await underLoad(bare, measuredMs)
  const both = await underLoad(traced, measuredMs)
  bareCosts.push(alone)
  return both / alone - 1
}

/** CPU µs per request. */
async function underLoad(server, ms) {
  const before = await server.ask('use')
  await loader.start(server.load)
  await delay(ms)
  const { answered } = await loader.end()
  const after = await server.ask('use')
  return (after.cpuUs - before.cpuUs) / answered
}

function cell(proportions) {
  const [middle, least, most] = [median(proportions), Math.min(...proportions), Math.max(...proportions)].map(
    proportion => (proportion * median(bareCosts)).toFixed(1),
  )
  return `+${middle} (${least}–${most})`
}

async function hold(port) {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write('GET /hold HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n')
  return socket
}

/** Takes everything, or while it is away closes every connection. */
async function startLangfuse() {
  const langfuse = { away: false, baseUrl: '', stop: () => server.close() }
  const server = createServer((request, response) => {
    if (langfuse.away) request.socket.destroy()
    else request.resume().on('end', () => response.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  langfuse.baseUrl = `http://127.0.0.1:${server.address().port}`
  return langfuse
}
