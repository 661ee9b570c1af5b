// How long the inspector takes to start on a file of 100,000 spans, and to answer with the list that its page begins with.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startInspector } from '@langfuse-middleware/inspector'

const RUNS = 9
const TRACES = 20_000
const TRACES_A_REQUEST = 20
const GOAL_MS = 2_000

const folder = mkdtempSync(join(tmpdir(), 'inspector-load-'))
const file = join(folder, 'traces.jsonl')
try {
  await fill(file)
  const program = fileURLToPath(new URL('load.mjs', import.meta.url))
  const runs = Array.from({ length: RUNS }, () =>
    JSON.parse(execFileSync(process.execPath, [program, file], { encoding: 'utf8' })),
  )
  const sums = runs.map(({ load, list }) => ({ load, list, both: load + list }))
  const { spans, traces } = runs[0]
  const row = (title, name) => {
    const sorted = sums.map(sum => sum[name]).sort((a, b) => a - b)
    return `| ${title} | ${sorted[RUNS >> 1].toFixed(0)} | ${sorted[0].toFixed(0)}–${sorted.at(-1).toFixed(0)} |`
  }
  const report = `# Starting the inspector on a full file

${spans.toLocaleString('en-US')} spans in ${traces.toLocaleString('en-US')} traces, ${(statSync(file).size / 2 ** 20).toFixed(0)} MiB, written by the inspector itself. The goal is less than ${GOAL_MS / 1_000} s in all. Milliseconds,
medians of ${RUNS} processes, least and most; Node.js ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}.

| | median | |
|---|---|---|
${row('until it listens', 'load')}
${row('first list', 'list')}
${row('both', 'both')}

Made by \`node benchmarks/inspector-load/run.mjs\`.
`
  console.log(report)
  writeFileSync(new URL('RESULTS.md', import.meta.url), report)
} finally {
  rmSync(folder, { recursive: true })
}

/** Lets an inspector write the file, as it receives what apps send. */
async function fill(file) {
  const inspector = await startInspector({ port: 0, file })
  for (let first = 0; first < TRACES; first += TRACES_A_REQUEST) {
    const spans = Array.from({ length: TRACES_A_REQUEST }, (_, index) => traceOf(first + index)).flat()
    await fetch(`${inspector.url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ scope: { name: 'langfuse-sdk' }, spans }] }] }),
    })
  }
  await inspector.close()
}

/** A request with a retrieval, a tool and two generations. */
function traceOf(number) {
  const generation = {
    'langfuse.observation.type': 'generation',
    'langfuse.observation.model.name': 'gpt-4.1-mini',
    'langfuse.observation.input': JSON.stringify([
      { role: 'user', content: `Question ${number}. `.repeat(40) },
    ]),
    'langfuse.observation.output': `Answer ${number}. `.repeat(20),
    'langfuse.observation.usage_details': '{"input":812,"output":95,"total":907}',
    'langfuse.observation.cost_details': '{"total":0.0021}',
  }
  const kinds = [
    {
      'langfuse.observation.metadata.statusCode': '200',
      'langfuse.observation.metadata.route': '/chat/:id',
      'session.id': `session-${number % 1_000}`,
    },
    { 'langfuse.observation.type': 'retriever', 'langfuse.observation.output': 'a document '.repeat(30) },
    generation,
    { 'langfuse.observation.type': 'tool', 'langfuse.observation.input': `{"order":${number}}` },
    generation,
  ]
  const startMs = 1_767_225_600_000 + number * 1_000
  return kinds.map((attributes, index) => ({
    traceId: (0xa11ce00000 + number).toString(16).padStart(32, '7'),
    spanId: (0xbee5 + number * kinds.length + index).toString(16).padStart(16, 'c'),
    ...(index > 0 && { parentSpanId: (0xbee5 + number * kinds.length).toString(16).padStart(16, 'c') }),
    name: index === 0 ? 'POST /chat/:id' : `step ${index}`,
    startTimeUnixNano: `${startMs + index * 10}000000`,
    endTimeUnixNano: `${startMs + (index === 0 ? 60 : index * 10 + 9)}000000`,
    attributes: Object.entries({ 'user.id': `user-${number % 97}`, ...attributes }).map(([key, value]) => ({
      key,
      value: { stringValue: value },
    })),
  }))
}
