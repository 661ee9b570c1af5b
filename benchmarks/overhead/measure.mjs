import { setTimeout as delay } from 'node:timers/promises'
import { requestOf } from './applications.mjs'
import { startServer } from './processes.mjs'
import { variants } from './variants.mjs'

/** How requests come in on each route: many always open, or at a rate. */
const LOAD = {
  hello: { connections: 32, pipelining: 8 },
  chat: { connections: 64, pipelining: 1 },
  large: { connections: 16, rate: 200 },
}
/** What compiles the code sooner, on routes where little happens at a time. */
const WARM_UP = { chat: { pipelining: 4 }, large: { pipelining: 1, rate: undefined } }
/** The rate for latencies and stalls, which says nothing of a server that is kept busy to its limit. */
const RATES = { hello: 1_000, chat: 300, large: 200 }

const WARM_UP_REQUESTS = 20_000

/** Measures one variant once: a process of its own, warmed up, then so many seconds. Undefined where it cannot be measured here. */
export async function measure({ variant, framework, route, program, times, connections, loader, sink }) {
  const server = await startServer({ variant, framework, route, baseUrl: sink.baseUrl }, program)
  if (server === undefined) return undefined
  try {
    return await measureServer(server, { variant, route, times, connections, loader, sink })
  } finally {
    await server.stop()
  }
}

async function measureServer(server, { variant, route, times, connections, loader, sink }) {
  const load = loadOf(route, server.port, connections)
  const spansPerRequest = variants[variant].sampled ? 0 : await countOfOneRequest()
  const spansBefore = (await sink.received()).spans
  const warming = await warmUp(loader, load, times.warmUpMs)
  await loader.start(load)
  await delay(200)
  const before = await figures()
  await delay(times.measuredMs)
  const after = await figures()
  const { answered: measured } = await loader.end()

  const paced = times.pacedMs === 0 ? undefined : await pacedFigures()
  await server.ask('flush')
  const spans = (await settled()).spans - spansBefore

  const answered = after.answered - before.answered
  if (answered === 0) throw new Error(`nothing was answered on ${route}`)
  const seconds = (after.at - before.at) / 1_000
  return {
    cpuUs: (after.cpuUs - before.cpuUs) / answered,
    mainUs: after.mainUs && (after.mainUs - before.mainUs) / answered,
    busy: (after.cpuUs - before.cpuUs) / 1e6 / seconds,
    perSecond: answered / seconds,
    residentMiB: after.residentBytes / 2 ** 20,
    p50Ms: paced?.p50Ms,
    p99Ms: paced?.p99Ms,
    longestStallMs: paced?.longestStallMs,
    lost:
      spansPerRequest === 0
        ? undefined
        : 1 - spans / spansPerRequest / (warming + measured + (paced?.answered ?? 0)),
  }

  /** How many spans a tracer makes of a request, as long as nothing is lost. */
  async function countOfOneRequest() {
    const before = await settled()
    await loader.start({ ...load, connections: 1, rate: 100 })
    await delay(200)
    const { answered } = await loader.end()
    await server.ask('flush')
    return Math.round(((await settled()).spans - before.spans) / answered)
  }

  async function figures() {
    const [{ answered }, use] = await Promise.all([loader.count(), server.ask('use')])
    return { answered, at: performance.now(), ...use }
  }

  async function pacedFigures() {
    await loader.start({ ...load, rate: RATES[route] })
    await delay(Math.min(500, times.pacedMs))
    await loader.count()
    await server.ask('watchStalls')
    await delay(times.pacedMs)
    const { longestMs } = await server.ask('stalls')
    const { p50Ms, p99Ms } = await loader.count()
    const { answered } = await loader.end()
    return { p50Ms, p99Ms, longestStallMs: longestMs, answered }
  }

  /** What the sink has received once nothing comes in any more. */
  async function settled() {
    for (let last; ; ) {
      const now = await sink.received()
      if (now.requests === last?.requests) return now
      last = now
      await delay(100)
    }
  }
}

/** What the load generator is told to do on a route. */
export function loadOf(route, port, connections = LOAD[route].connections) {
  return { port, request: requestOf(route), ...LOAD[route], connections, warmUp: WARM_UP[route] }
}

/** Makes requests until code is compiled, of which a slow tracer needs as many as a fast one; gives how many were answered. */
export async function warmUp(loader, load, leastMs) {
  const until = performance.now() + 3 * leastMs
  await loader.start({ ...load, ...load.warmUp })
  await delay(leastMs)
  while ((await loader.count()).answered < WARM_UP_REQUESTS && performance.now() < until) await delay(100)
  return (await loader.end()).answered
}
