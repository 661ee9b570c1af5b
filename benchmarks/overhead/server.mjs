// The process under load, told by its argument what to be. It answers over IPC what it has used, and never measures by itself.
import { createRequire } from 'node:module'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { serve } from './applications.mjs'
import { profileAllocations, profileTime } from './profilers.mjs'
import { variants } from './variants.mjs'

const { variant: name, framework, route, baseUrl } = JSON.parse(process.argv[2])
const { module, options } = variants[name]
const RESOLUTION_MS = 1
let delays
let stopProfile

const questions = {
  use() {
    const { user, system } = process.cpuUsage()
    const main = process.threadCpuUsage?.()
    return {
      cpuUs: user + system,
      mainUs: main && main.user + main.system,
      residentBytes: process.memoryUsage.rss(),
    }
  },
  watchStalls() {
    delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    delays.enable()
  },
  stalls() {
    delays.disable()
    return { longestMs: Math.max(delays.max / 1e6 - RESOLUTION_MS, 0) }
  },
  flush: () => variant.flush(),
  stats: () => variant.stats(),
  async profileTime() {
    stopProfile = await profileTime()
  },
  async profileAllocations() {
    stopProfile = await profileAllocations()
  },
  profiled: () => stopProfile(),
}

process.on('message', async question => {
  process.send({ answer: await questions[question]() })
})
process.on('disconnect', () => process.exit())

let variant
try {
  // The variant first: instrumentations want to see the framework being loaded.
  const { default: start } = await import(`./variants/${module}.mjs`)
  variant = await start({ framework, baseUrl, options })
  process.send({ port: await serve(framework, createRequire(import.meta.url), variant, route) })
} catch (error) {
  process.send({
    unavailable: error.code === 'LANGFUSE_MIDDLEWARE_UNKNOWN_OPTION',
    failed: String(error.stack),
  })
}
