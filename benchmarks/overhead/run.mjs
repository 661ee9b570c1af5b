// What tracing costs a server, beside the bare framework and other tracers: see command.mjs for the options.

import { nodePrograms } from '../harness/node-versions.mjs'
import { pinning } from '../harness/processes.mjs'
import { progress } from '../harness/report.mjs'
import { readCommand } from './command.mjs'
import { measurePair } from './measure.mjs'
import { prepare } from './prepare.mjs'
import { startLoader, startSink } from './processes.mjs'
import { merged, readResults, writeResults } from './results.mjs'
import { figures, summary } from './statistics.mjs'
import { table } from './tables.mjs'
import { routes, variants } from './variants.mjs'

const command = readCommand(process.argv.slice(2))
if (command.render) writeResults(readResults())
else await run()

async function run() {
  prepare(command.variants)
  const groups = groupsOf(command)
  const runs = groups.reduce((sum, { names }) => sum + names.length, 0) * command.pairs
  const { times, turns } = command.measuring
  const pairMs =
    2 * (times.warmUpMs + turns * (times.measuredMs + 100) + (times.pacedMs && times.pacedMs + 500) + 1_000)
  say(`${runs} pairs, about ${Math.ceil((runs * pairMs) / 60_000)} min; ${pinning}.\n`)

  const [loader, sink] = await Promise.all([startLoader(), startSink()])
  let done = 0
  for (const { names, program, ...group } of groups) {
    const bare = []
    const results = []
    for (const variant of names) {
      const pairs = []
      try {
        for (let pair = 0; pair < command.pairs; pair += 1) {
          done += 1
          progress(`${done} of ${runs}: ${group.route}, ${group.framework}, Node ${group.node}, ${variant}`)
          const measured = await measurePair({
            ...group,
            variant,
            program,
            ...command.measuring,
            loader,
            sink,
          })
          if (measured === undefined) break
          pairs.push(measured)
        }
        if (pairs.length === 0) say(`${variant}: there is no such option in this version`)
      } catch (error) {
        // One tracer that breaks must not cost the figures of all others.
        say(`${variant} failed: ${error.message}`)
        process.exitCode = 1
      }
      if (pairs.length === 0) continue
      bare.push(...pairs.map(({ turns, bare }) => ({ turns: turns.bare, ...bare })))
      results.push({ ...group, variant, ...summary(pairs) })
    }
    if (results.length === 0) continue
    results.unshift({ ...group, variant: 'bare', ...figures(bare) })
    progress('')
    say(`${table(results)}\n`)
    if (command.write) writeResults(merged(readResults(), results))
  }
  await Promise.all([loader.stop(), sink.stop()])
}

/** What is measured one after the other: the variants of a framework on a route and a Node.js version. */
function groupsOf({ nodes, frameworks, routes: chosen, variants: names }) {
  const all = []
  for (const { path, version } of nodePrograms(nodes)) {
    for (const route of Object.keys(routes).filter(name => chosen.includes(name))) {
      for (const framework of frameworks) {
        const able = names.filter(name => variants[name].routes.includes(route))
        if (able.length > 0) all.push({ node: version, program: path, framework, route, names: able })
      }
    }
  }
  return all
}

function say(line) {
  process.stdout.write(`${line}\n`)
}
