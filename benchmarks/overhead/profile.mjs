// Where the time of a traced request goes, or with --allocations the memory it allocates, on the main thread, by part and by function:
// npm run -w benchmarks profile -- --framework fastify [--allocations] [--route chat] [--variant ours-traced] [--node 24] [--seconds 5]
// [--top 40] [--save file.cpuprofile]
import { writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { nodePrograms } from '../harness/node-versions.mjs'
import { loadOf, warmUp } from './measure.mjs'
import { prepare } from './prepare.mjs'
import { startLoader, startServer, startSink } from './processes.mjs'
import { createPartFinder } from './profile-parts.mjs'

const { values } = parseArgs({
  options: {
    framework: { type: 'string', default: 'fastify' },
    allocations: { type: 'boolean' },
    route: { type: 'string', default: 'hello' },
    variant: { type: 'string', default: 'ours-traced' },
    node: { type: 'string', default: 'current' },
    seconds: { type: 'string', default: '5' },
    top: { type: 'string', default: '40' },
    save: { type: 'string' },
  },
})
const { framework, route, variant } = values
const [{ path: program, version }] = nodePrograms(values.node)
prepare([variant])

const [loader, sink] = await Promise.all([startLoader(), startSink()])
const server = await startServer({ variant, framework, route, baseUrl: sink.baseUrl }, program)
const load = loadOf(route, server.port)
await warmUp(loader, load, 3_000)
await server.ask(values.allocations ? 'profileAllocations' : 'profileTime')
await loader.start(load)
const before = { ...(await loader.count()), ...(await server.ask('use')) }
await delay(Number(values.seconds) * 1_000)
const after = { ...(await loader.count()), ...(await server.ask('use')) }
const profile = await server.ask('profiled')
await loader.end()
if (values.save) writeFileSync(values.save, JSON.stringify(profile))
await Promise.all([server.stop(), loader.stop(), sink.stop()])

const answered = after.answered - before.answered
const { parts, functions, total } = sums(values.allocations ? allocations(profile) : times(profile))
// Samples are of the clock, which goes on while other processes have the core; CPU time of a thread is known from Node.js 23.9 on.
const known = values.allocations || after.mainUs === undefined ? total : after.mainUs - before.mainUs
const unit = values.allocations ? 'bytes' : 'µs'
console.log(
  `${variant}, ${framework}, ${route}, Node ${version}: ${answered} requests, ${(known / answered).toFixed(1)} ${unit} each on the main thread\n`,
)
print(parts, [...parts.values()].filter(amount => amount / total > 0.001).length)
console.log()
print(functions, Number(values.top))

/** Calls with the microseconds spent in each, without what they call. */
function* times({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map(node => [node.id, node]))
  for (const node of nodes) for (const child of node.children ?? []) byId.get(child).caller = node
  for (const [index, id] of samples.entries()) {
    const call = byId.get(id)
    const { functionName, url } = call.callFrame
    if (functionName !== '(idle)' && url !== 'node:inspector') yield [call, timeDeltas[index]]
  }
}

/** Calls with the bytes allocated in each, without what they call. */
function* allocations({ head }) {
  const calls = [head]
  for (const call of calls) {
    for (const child of call.children) calls.push(Object.assign(child, { caller: call }))
    yield [call, call.selfSize]
  }
}

function sums(amounts) {
  const partOf = createPartFinder()
  const parts = new Map()
  const functions = new Map()
  let total = 0
  const add = (to, name, amount) => to.set(name, (to.get(name) ?? 0) + amount)
  for (const [call, amount] of amounts) {
    const { part, name } = partOf(call)
    add(parts, part, amount)
    add(functions, name, amount)
    total += amount
  }
  return { parts, functions, total }
}

function print(amounts, count) {
  for (const [name, amount] of [...amounts].sort(([, a], [, b]) => b - a).slice(0, count)) {
    const share = amount / total
    const each = ((share * known) / answered).toFixed(values.allocations ? 0 : 2)
    console.log(`${each.padStart(8)} ${unit} ${`${(100 * share).toFixed(1)} %`.padStart(7)}  ${name}`)
  }
}
