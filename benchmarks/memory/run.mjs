// Whether memory stays flat over many requests that come to every kind of end while Langfuse cannot be reached, and what an open request
// takes: node benchmarks/memory/run.mjs [--requests 1000000] [--open 5000] [--framework express,fastify] [--children 0,2] [--node current]
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { buildPackages } from '../harness/build.mjs'
import { nodePrograms } from '../harness/node-versions.mjs'
import { MEASURED_CORE, startProcess } from '../harness/processes.mjs'
import { machine, markdownTable, progress } from '../harness/report.mjs'
import { oneConnection, openRequests, PER_CONNECTION } from './fates.mjs'

const POINTS = 10
const CONNECTIONS = 16

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    open: { type: 'string', default: '5000' },
    framework: { type: 'string', default: 'express,fastify' },
    children: { type: 'string', default: '0,2' },
    node: { type: 'string', default: 'current' },
  },
})
const requests = Number(values.requests)
const openCount = Number(values.open)
buildPackages()

const flat = []
const open = []
for (const { path, version } of nodePrograms(values.node)) {
  for (const framework of values.framework.split(',')) {
    for (const children of values.children.split(',')) {
      const row = [version, framework, children]
      flat.push([...row, ...(await overManyRequests(path, framework, children, row.join(', ')))])
    }
    progress(`${version}, ${framework}: open requests`)
    const bare = await bytesPerOpenRequest(path, framework, 'bare')
    const traced = await bytesPerOpenRequest(path, framework, 'traced')
    open.push([version, framework, Math.round(bare), Math.round(traced - bare)])
  }
}
progress('')

const report = `# Memory

## Over ${requests.toLocaleString('en-US')} requests while Langfuse cannot be reached

Real connections of ${PER_CONNECTION} pipelined requests each, in every hundred 7 without a route and 7 that throw, and of every three connections one that ends with
a client that leaves and one with a stream that breaks. MiB of heap after a collection, at ten points; beside it what waits to be delivered
(bounded at 64 MiB, outside the heap), and what is resident at the last point. \`open\` and \`held\`: requests and observations that tracing still knows of at
the end, when no request is open.

${markdownTable(['Node.js', '', 'children', 'heap, MiB', 'growth of the last half, MiB', 'waiting, MiB', 'resident, MiB', 'open', 'held'], flat)}

## An open request

Bytes of heap after a collection, with ${openCount.toLocaleString('en-US')} requests open at once, without children; tracing's are above the bare framework's.

${markdownTable(['Node.js', '', 'bare framework', 'tracing'], open)}

${machine}. \`node benchmarks/memory/run.mjs\` measures again.
`
process.stdout.write(report)
if (requests >= 1_000_000) writeFileSync(new URL('RESULTS.md', import.meta.url), report)

async function overManyRequests(program, framework, children, title) {
  const server = await start(program, framework, 'traced', children)
  // What is made once, such as compiled code, is no growth.
  await makeRequests(server.ready.port, Math.min(requests / POINTS, 20_000))
  const points = []
  for (let point = 1; point <= POINTS; point += 1) {
    progress(`${title} children: ${((point / POINTS) * requests).toLocaleString('en-US')} requests`)
    await makeRequests(server.ready.port, requests / POINTS)
    await allClosed(server)
    points.push(await server.ask('heap'))
  }
  const stats = await server.ask('stats')
  await server.stop()
  const heaps = points.map(({ heapUsed }) => heapUsed / 2 ** 20)
  const last = points.at(-1)
  return [
    heaps.map(heap => heap.toFixed(1)).join(' '),
    (heaps.at(-1) - heaps[POINTS / 2 - 1]).toFixed(1),
    (last.arrayBuffers / 2 ** 20).toFixed(0),
    (last.rss / 2 ** 20).toFixed(0),
    stats.requests.open,
    stats.buffer.held,
  ]
}

async function makeRequests(port, count) {
  let left = Math.ceil(count / PER_CONNECTION)
  const lane = async () => {
    while (left > 0) {
      left -= 1
      await oneConnection(port)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, lane))
}

async function bytesPerOpenRequest(program, framework, kind) {
  const server = await start(program, framework, kind, '0')
  const { port } = server.ready
  let asked = 0
  // Once to have everything compiled and allocated that stays, once to measure.
  await heapWithOpen(1_000)
  const before = await server.ask('heap')
  const during = await heapWithOpen(openCount)
  await server.stop()
  return (during.heapUsed - before.heapUsed) / openCount

  async function heapWithOpen(count) {
    const end = openRequests(port, count)
    asked += count
    while ((await server.ask('begun')) < asked) await delay(20)
    const heap = await server.ask('heap')
    end()
    await allClosed(server)
    return heap
  }
}

async function allClosed(server) {
  while ((await server.ask('connections')) > 0) await delay(20)
}

function start(program, ...args) {
  const file = join(import.meta.dirname, 'server.mjs')
  return startProcess(['--expose-gc', file, ...args], { on: MEASURED_CORE, program })
}
