// What it costs to see what is streamed: `node benchmarks/capture/run.mjs [--quick]`.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { megabytes, streams } from './streams.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const quick = process.argv.includes('--quick')
const rounds = quick ? 1 : 3
const responses = quick ? 4 : 12
const HELD = 40
const variants = ['untraced', 'off', 'on']
const rows = []

for (const [name, { pieces }] of Object.entries(streams)) {
  const runs = { untraced: [], off: [], on: [] }
  for (let round = 0; round < rounds; round += 1) {
    for (const variant of variants) {
      process.stderr.write(`\r${name}, round ${round + 1} of ${rounds}, ${variant}`.padEnd(70))
      runs[variant].push(await measure(variant, name))
    }
  }
  const cpu = variant => runs[variant].map(run => run.cpuUs)
  const added = variant => runs[variant].map((run, round) => run.cpuUs - runs.untraced[round].cpuUs)
  const bytes = variant =>
    Math.round(median(runs[variant].map((run, round) => run.bytes - runs.untraced[round].bytes)))
  rows.push([
    name,
    pieces.length,
    spread(cpu('untraced')),
    spread(added('off')),
    spread(added('on')),
    bytes('off'),
    bytes('on'),
  ])
}
process.stderr.write(`${'\r'.padEnd(70)}\r`)

const head = [
  'stream',
  'pieces a megabyte',
  'untraced, CPU µs',
  'capture off, + µs',
  'capture on, + µs',
  'off, bytes retained',
  'on, bytes retained',
]
const table = [head, head.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |`).join('\n')
process.stdout.write(`${table}\n`)
if (!quick) {
  writeFileSync(
    join(here, 'RESULTS.md'),
    `# What capture costs

CPU time of the server per streamed megabyte, ${megabytes} in a response, over the same server with the route opted out of tracing, and what one response retains while it is open
with all of it written: traced with capture off, and with \`capture: { responseBody: true }\` and its bound of 64 KiB. Medians of ${rounds}
alternating rounds, least and most in brackets. \`node benchmarks/capture/run.mjs\` measures again.

${table}

Node ${process.versions.node}, ${cpus().length} × ${cpus()[0].model.trim()}.
`,
  )
}

async function measure(variant, name) {
  const server = fork(join(here, 'server.mjs'), [variant, name], { execArgv: ['--expose-gc'] })
  const [{ port }] = await once(server, 'message')
  const agent = new Agent({ keepAlive: true })
  const read = async path => {
    const [response] = await once(get({ port, path, agent, host: '127.0.0.1' }), 'response')
    response.resume()
    return response
  }
  const readAll = async count => {
    for (let done = 0; done < count; done += 1) await once(await read('/'), 'end')
  }
  const ask = async question => {
    server.send(question)
    return (await once(server, 'message'))[0]
  }

  await readAll(responses / 2)
  server.send('start')
  await readAll(responses)
  const { cpuUs } = await ask('stop')

  const held = []
  let before
  for (let index = 0; index < HELD; index += 1) {
    // The first ones bring along what is made once.
    if (index === HELD / 4) before = await ask('heap')
    const written = once(server, 'message')
    held.push(await read('/held'))
    await written
  }
  const after = await ask('heap')
  server.kill()
  for (const response of held) response.on('error', () => {})
  await once(server, 'exit')
  agent.destroy()
  return { cpuUs: cpuUs / (responses * megabytes), bytes: (after.bytes - before.bytes) / (HELD - HELD / 4) }
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}

function spread(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const [least, most] = [sorted[0], sorted.at(-1)].map(value => Math.round(value))
  return `${Math.round(median(values))} (${least}–${most})`
}
