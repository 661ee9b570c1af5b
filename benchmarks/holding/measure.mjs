// Measures one variant in this process: `node --expose-gc measure.mjs <variant> <children> <requests>`.
import { variants } from './variants.mjs'

const [, , name, children, requests] = process.argv
const open = variants[name]()
const count = Number(requests)

await run(count / 4)
const before = process.cpuUsage()
await run(count)
const { user, system } = process.cpuUsage(before)

const heapBefore = heap()
const ends = Array.from({ length: 10_000 }, () => open(Number(children)))
// What Langfuse's processor does with ended spans happens in promises, and is not what is held.
await new Promise(resolve => setTimeout(resolve, 200))
const heapOpen = heap()
for (const end of ends) end()
process.stdout.write(
  JSON.stringify({
    cpuUs: (user + system) / count,
    bytesPerOpenRequest: (heapOpen - heapBefore) / ends.length,
  }),
)
process.exit()

/** Many requests one after the other, with pauses in which promises settle, as on a server. */
async function run(total) {
  for (let done = 0; done < total; done += 5) {
    for (let index = 0; index < 5; index += 1) open(Number(children))()
    await new Promise(setImmediate)
  }
}

function heap() {
  globalThis.gc()
  globalThis.gc()
  return process.memoryUsage().heapUsed
}
