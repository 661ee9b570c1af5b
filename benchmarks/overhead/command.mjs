import { parseArgs } from 'node:util'
import { routes, variants } from './variants.mjs'

const USAGE = `node benchmarks/overhead/run.mjs [options]

  --quick               a few variants and short runs, under two minutes
  --only <names>        these variants, on hello unless --route says otherwise: ${Object.keys(variants).join(', ')}
  --framework <names>   express, fastify
  --route <names>       ${Object.keys(routes).join(', ')}
  --node <versions>     current, or major versions, which come from npm (22,24)
  --pairs <count>       how many processes of each variant are measured, each beside one of the bare framework
  --turns <count>       under load by turns, for --seconds <seconds> each, after --warm-up <seconds>
  --paced <seconds>     at a fixed rate, for latencies and stalls; 0 leaves them out
  --connections <count> how many at once, other than a route's own number
  --write               results into results.json, RESULTS.md and overhead.svg, as a run without options does
  --render              only that, from results.json as it is
`

/** What the command line asks for. */
export function readCommand(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean' },
      only: { type: 'string' },
      framework: { type: 'string', default: 'express,fastify' },
      route: { type: 'string' },
      node: { type: 'string' },
      pairs: { type: 'string' },
      turns: { type: 'string' },
      seconds: { type: 'string' },
      'warm-up': { type: 'string' },
      paced: { type: 'string' },
      connections: { type: 'string' },
      write: { type: 'boolean' },
      render: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    process.exit()
  }
  const { quick, only } = values
  const defaults = quick
    ? {
        only: 'ours-traced,ours-skipped,reference',
        node: 'current',
        pairs: 2,
        turns: 3,
        seconds: 0.5,
        warmUp: 1,
        paced: 0.3,
      }
    : {
        only: Object.keys(variants).join(),
        node: only ? 'current' : '22,24',
        pairs: 3,
        turns: 5,
        seconds: 0.8,
        warmUp: 2,
        paced: 1,
      }
  const milliseconds = (value, otherwise) => Number(value ?? otherwise) * 1_000
  return {
    // The bare framework is measured in turn with each, named or not.
    variants: names(only ?? defaults.only, Object.keys(variants)).filter(name => name !== 'bare'),
    frameworks: names(values.framework, ['express', 'fastify']),
    routes: names(
      values.route ?? (quick || only ? 'hello' : Object.keys(routes).join()),
      Object.keys(routes),
    ),
    nodes: values.node ?? defaults.node,
    pairs: Number(values.pairs ?? defaults.pairs),
    measuring: {
      turns: Number(values.turns ?? defaults.turns),
      connections: values.connections && Number(values.connections),
      times: {
        warmUpMs: milliseconds(values['warm-up'], defaults.warmUp),
        measuredMs: milliseconds(values.seconds, defaults.seconds),
        pacedMs: milliseconds(values.paced, defaults.paced),
      },
    },
    write: values.write ?? args.length === 0,
    render: values.render ?? false,
  }
}

function names(list, known) {
  const all = list.split(',')
  const unknown = all.filter(name => !known.includes(name))
  if (unknown.length === 0) return all
  process.stderr.write(`There is no ${unknown.join(', ')}; there are ${known.join(', ')}.\n\n${USAGE}`)
  process.exit(1)
}
