import { join } from 'node:path'
import { MEASURED_CORE, OTHER_CORES, startProcess } from '../harness/processes.mjs'

const file = name => join(import.meta.dirname, name)

/** Starts the server of a variant; undefined where this version has no such option. */
export async function startServer(description, program) {
  const server = await startProcess([file('server.mjs'), JSON.stringify(description)], {
    on: MEASURED_CORE,
    program,
  })
  const { port, unavailable, failed } = server.ready
  if (failed === undefined) return { ...server, port }
  await server.stop()
  if (unavailable) return undefined
  throw new Error(`${description.variant} on ${description.framework} could not start: ${failed}`)
}

/** Starts what spans are sent to. */
export async function startSink() {
  const { ready, ask, stop } = await startProcess([file('sink.mjs')], { on: OTHER_CORES })
  return { baseUrl: `http://127.0.0.1:${ready.port}`, received: () => ask('received'), stop }
}

/** Starts the load generator, which makes one load at a time. */
export async function startLoader() {
  const { ask, stop } = await startProcess([file('load.mjs')], { on: OTHER_CORES })
  return {
    start: load => ask({ start: load }),
    count: () => ask({ question: 'count' }),
    end: () => ask({ question: 'end' }),
    stop,
  }
}
