import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openPage } from './browser.mjs'
import { send } from './request.mjs'
import { scenarios } from './scenarios.mjs'
import { createScreen } from './screen.mjs'
import { setStage } from './stage.mjs'
import { problemsOf, problemsOfRequest, tracesOf } from './trace-check.mjs'

const help = `Starts two small apps, sends them requests of every kind and shows the trace of each.

Usage: npm run demo -- [options]

  --once             check that every trace arrived whole, and end: with 0 if so, else with 1
  --wait <seconds>   how long to wait for traces, 10 or with a real Langfuse 120
  --logs             show what the apps print
  --help             print this

Everything stays on this machine. With OPENAI_API_KEY set it asks the real models, with LANGFUSE_PUBLIC_KEY and
LANGFUSE_SECRET_KEY the traces go to your Langfuse.
`

const interruption = new AbortController()
// Listened for once: a second Ctrl-C ends everything at once.
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => interruption.abort())

process.exitCode = await run(interruption.signal).catch(error => {
  if (interruption.signal.aborted) return 130
  process.stderr.write(`\nThe demo cannot go on: ${error instanceof Error ? error.message : error}\n`)
  return 1
})

/** @param {AbortSignal} signal @returns {Promise<number>} the exit status */
async function run(signal) {
  const options = optionsOf(process.argv.slice(2))
  const screen = createScreen(process.stdout)
  if (options.help) {
    screen.write(help)
    return 0
  }
  const sessionId = `demo-${randomBytes(3).toString('hex')}`
  let live = false

  screen.heading('Starting')
  const stage = await setStage({
    env: process.env,
    anyPort: options.once,
    sessionId,
    onStart: screen.fact,
    onLine: (name, line) => {
      if (options.logs || live) screen.note(`${name} │ ${line}`)
    },
    onExit: name => screen.problems([`${name} ended by itself: try again with --logs`]),
    onTrace: trace => {
      if (live && trace.sessionId !== sessionId) screen.trace(trace)
    },
  })
  try {
    const problems = await perform(stage, screen, { ...options, sessionId, signal })
    if (options.once) return problems.length === 0 ? 0 : 1
    const { env, platform, stdout } = process
    screen.invitation(stage, await openPage(stage.urls.traces, { env, platform, isTerminal: stdout.isTTY }))
    live = true
    if (!signal.aborted) await once(signal, 'abort')
    screen.write('', 'Stopping.')
    return 0
  } finally {
    await stage.stop()
  }
}

/** @param {string[]} args */
function optionsOf(args) {
  const flag = /** @type {const} */ ({ type: 'boolean', default: false })
  const { values } = parseArgs({
    args,
    options: { once: flag, wait: { type: 'string' }, logs: flag, help: flag },
  })
  const { wait, ...flags } = values
  const waitMs = wait === undefined ? undefined : Number(wait) * 1000
  if (Number.isNaN(waitMs)) throw new Error(`--wait must be a number of seconds, got ${wait}`)
  return { ...flags, waitMs }
}

/**
 * Sends every request, shows what came of it, and returns what is wrong with it.
 * @param {Awaited<ReturnType<typeof setStage>>} stage
 * @param {ReturnType<typeof createScreen>} screen
 * @param {{ once: boolean, waitMs: number | undefined, sessionId: string, signal: AbortSignal }} options
 */
async function perform(stage, screen, { once: ending, waitMs, sessionId, signal }) {
  const exact = !stage.realModel
  const deadline = Date.now() + (waitMs ?? (stage.realLangfuse ? 120_000 : 10_000))
  const pollMs = stage.realLangfuse ? 1_000 : 100

  /** @type {import('./scenarios.mjs').Scenario[]} */
  const requests = scenarios.flatMap(scenario => new Array(scenario.times ?? 1).fill(scenario))
  screen.heading(`Sending ${requests.length} requests at once, in session ${sessionId}`)
  const sent = await Promise.all(
    requests.map((scenario, place) =>
      send(scenario, {
        url: stage.urls[scenario.app],
        requestId: `${sessionId}-${place + 1}`,
        sessionId,
        signal,
      }),
    ),
  )
  for (const scenario of scenarios) {
    const alike = sent.filter(one => one.scenario === scenario)
    const { traces, problems } = await arrival(traces =>
      alike.flatMap(one => problemsOfRequest(one, traces, { exact })),
    )
    screen.requests(alike)
    for (const trace of alike.flatMap(one => tracesOf(one, traces))) screen.trace(trace)
    if (scenario.untraced) screen.note(`no trace: ${scenario.untraced}`)
    screen.problems(problems)
  }

  // Ending the apps makes them send all they have: what has not come then is lost, what should not be is seen.
  if (ending) await stage.stopApps()
  const { traces, problems } = await arrival(traces => problemsOf(sent, traces, { exact }))
  screen.heading('Summary')
  screen.table(sent, traces)
  screen.sampling(
    sent.filter(({ scenario }) => scenario.app === 'sampled'),
    traces,
  )
  screen.verdict(
    sent.flatMap(one => tracesOf(one, traces)),
    problems,
  )
  return problems

  /**
   * Waits until nothing is missing any more, or for as long as is reasonable.
   * @param {(traces: import('@langfuse-middleware/inspector').Trace[]) => string[]} check
   */
  async function arrival(check) {
    while (true) {
      const traces = await stage.traces()
      const problems = check(traces)
      if (problems.length === 0 || Date.now() > deadline) return { traces, problems }
      await delay(pollMs, undefined, { signal })
    }
  }
}
