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

/**
 * Measures one variant beside the bare framework: a process of each, warmed up, then under load by turns, since the machine may be twice as
 * fast a second later. Undefined where it cannot be measured here.
 */
export async function measurePair({
  variant,
  framework,
  route,
  program,
  times,
  turns,
  connections,
  loader,
  sink,
}) {
  const run = await startServer({ variant, framework, route, baseUrl: sink.baseUrl }, program)
  if (run === undefined) return undefined
  const bare = await startServer({ variant: 'bare', framework, route, baseUrl: sink.baseUrl }, program)
  const load = server => loadOf(route, server.port, connections)
  try {
    const spansPerRequest = variants[variant].sampled ? 0 : await countOfOneRequest()
    const spansBefore = (await sink.received()).spans
    await warmUp(loader, load(bare), times.warmUpMs)
    let answered = await warmUp(loader, load(run), times.warmUpMs)
    const both = { bare: [], run: [] }
    for (let turn = 0; turn < turns; turn += 1) {
      both.bare.push(await takeTurn(bare))
      both.run.push(await takeTurn(run))
    }
    const pacedBare = await pacedFigures(bare)
    const paced = await pacedFigures(run)
    await run.ask('flush')
    const spans = (await settled()).spans - spansBefore
    answered += paced.answered + both.run.reduce((sum, turn) => sum + turn.answered, 0)
    return {
      turns: both,
      bare: pacedBare,
      run: { ...paced, lost: spansPerRequest === 0 ? undefined : 1 - spans / spansPerRequest / answered },
    }
  } finally {
    await Promise.all([run.stop(), bare.stop()])
  }

  /** One load, from its first request until all that was recorded of it has left the process. */
  async function takeTurn(server) {
    const before = await server.ask('use')
    await loader.start(load(server))
    await delay(times.measuredMs)
    const { answered, ms } = await loader.end()
    await server.ask('flush')
    const after = await server.ask('use')
    if (answered === 0) throw new Error(`nothing was answered on ${route}`)
    const spent = name => after[name] && (after[name] - before[name]) / answered
    return {
      answered,
      cpuUs: spent('cpuUs'),
      mainUs: spent('mainUs'),
      perSecond: (1_000 * answered) / ms,
      busy: (after.cpuUs - before.cpuUs) / 1_000 / ms,
      residentMiB: after.residentBytes / 2 ** 20,
    }
  }

  /** How many spans a tracer makes of a request, as long as nothing is lost. */
  async function countOfOneRequest() {
    const before = await settled()
    await loader.start({ ...load(run), connections: 1, rate: 100 })
    await delay(200)
    const { answered } = await loader.end()
    await run.ask('flush')
    return Math.round(((await settled()).spans - before.spans) / answered)
  }

  async function pacedFigures(server) {
    if (times.pacedMs === 0) return { answered: 0 }
    await loader.start({ ...load(server), rate: RATES[route] })
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
