// Where the time of a traced request goes: `npm run -w benchmarks profile -- --framework fastify [--route chat] [--variant ours-traced]
// [--node 24] [--seconds 5] [--top 40] [--save file.cpuprofile]`. Self time of the main thread by part and by function, in µs per request.
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
    route: { type: 'string', default: 'hello' },
    variant: { type: 'string', default: 'ours-traced' },
    node: { type: 'string', default: 'current' },
    save: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    top: { type: 'string', default: '40' },
  },
})
const { framework, route, variant } = values
const [{ path: program, version }] = nodePrograms(values.node)
prepare([variant])

const [loader, sink] = await Promise.all([startLoader(), startSink()])
const server = await startServer({ variant, framework, route, baseUrl: sink.baseUrl }, program)
const load = loadOf(route, server.port)
await warmUp(loader, load, 3_000)
await server.ask('profile')
await loader.start(load)
const before = { ...(await loader.count()), ...(await server.ask('use')) }
await delay(Number(values.seconds) * 1_000)
const after = { ...(await loader.count()), ...(await server.ask('use')) }
const profile = await server.ask('profiled')
await loader.end()
if (values.save) writeFileSync(values.save, JSON.stringify(profile))
await Promise.all([server.stop(), loader.stop(), sink.stop()])

const answered = after.answered - before.answered
const { parts, functions } = selfTimes(profile)
const sampled = [...parts].reduce((sum, [, us]) => sum + us, 0)
// Samples are of the clock, which goes on while other processes have the core; CPU time of a thread is known from Node.js 23.9 on.
const busy = after.mainUs === undefined ? sampled : after.mainUs - before.mainUs
console.log(
  `${variant}, ${framework}, ${route}, Node ${version}: ${answered} requests, ${(busy / answered).toFixed(1)} µs each on the main thread\n`,
)
print(parts, [...parts.values()].filter(us => us / sampled > 0.001).length)
console.log()
print(functions, Number(values.top))

/** Microseconds in each part and each function itself, without what they call. */
function selfTimes({ nodes, samples, timeDeltas }) {
  const partOf = createPartFinder()
  const byId = new Map(nodes.map(node => [node.id, node.callFrame]))
  const parts = new Map()
  const functions = new Map()
  for (const [index, id] of samples.entries()) {
    const frame = byId.get(id)
    if (frame.functionName === '(idle)' || frame.url === 'node:inspector') continue
    const part = partOf(frame)
    add(parts, part, timeDeltas[index])
    add(
      functions,
      `${frame.functionName || '(anonymous)'}  ${frame.url.startsWith('node:') ? frame.url : part}`,
      timeDeltas[index],
    )
  }
  return { parts, functions }
}

function add(sums, name, us) {
  sums.set(name, (sums.get(name) ?? 0) + us)
}

function print(sums, count) {
  for (const [name, us] of [...sums].sort(([, a], [, b]) => b - a).slice(0, count)) {
    const share = us / sampled
    console.log(
      `${((share * busy) / answered).toFixed(2).padStart(8)} µs ${`${(100 * share).toFixed(1)} %`.padStart(7)}  ${name}`,
    )
  }
}
