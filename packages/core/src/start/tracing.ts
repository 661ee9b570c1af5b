import type { Server } from 'node:net'
import type { LangfuseClient } from '@langfuse/client'
import type { FlushResult, OutboxHealth } from '@langfuse-middleware/delivery'
import { MiddlewareError } from '@langfuse-middleware/delivery/options'
import type { Meter } from '@opentelemetry/api'
import { settlesWithin } from '../basics/deadline.ts'
import { LinkedList } from '../basics/linked-list.ts'
import { createLog, type Log } from '../basics/logger.ts'
import { loadOtel } from '../basics/otel.ts'
import { shared } from '../basics/shared.ts'
import { NOTHING_FLUSHED } from '../delivery/delivery.ts'
import { resolveOptions, type TracingConfig } from '../options/resolve-options.ts'
import type { TracingOptions } from '../options/tracing-options.ts'
import type { LiveRequest, LiveRequestRuntime } from '../trace/live-request.ts'
import { type ExitHandling, type ExitWork, handleExit } from './exit.ts'
import { drainTime, leave, warnOfOpenRequests } from './leave.ts'
import { drain } from './server-drain.ts'
import { startPipeline } from './start-pipeline.ts'
import { startUpLine } from './start-up-line.ts'
import type { TracingStats } from './stats.ts'

/** Tracing in this process. */
export interface Tracing {
  /** False where tracing is off or has nowhere to send to. */
  readonly enabled: boolean
  /** Figures since the start; cheap, never throws. */
  stats(): TracingStats
  /** Whether observations get through, for a readiness route: `degraded` while they wait, with the reasons. */
  health(): OutboxHealth
  /**
   * Shows the figures of delivery as metrics of `meter`, and returns what stops that. Not needed where OpenTelemetry's global meter
   * provider was there before tracing started.
   */
  observe(meter: Meter): () => void
  /**
   * Sends what has ended. Resolves when it is delivered, or after `timeoutMs` (by default the option of `shutdown`), or as soon as nothing
   * can be delivered before that. What is not delivered then is on disk if there is a spool. Never rejects.
   */
  flush(options?: { timeoutMs?: number }): Promise<FlushResult>
  /**
   * Waits for requests in flight on `server`, if given, for at most two thirds of the time, sends everything and stops tracing. What cannot
   * be sent is spooled, or counted in one log line. Never rejects.
   */
  shutdown(options?: { server?: Server; timeoutMs?: number }): Promise<FlushResult>
}

/** A started tracing, with what adapters need of it. */
export interface RunningTracing {
  readonly tracing: Tracing
  readonly config: TracingConfig
  /** What requests are traced with; undefined where tracing is off. */
  readonly runtime: LiveRequestRuntime | undefined
  readonly log: Log
  /** The options it was started with, to tell a second, different call. */
  readonly options: TracingOptions | undefined
  /** Where it was started: `/app/server.js:12:3`. */
  readonly startedAt: string
  client: LangfuseClient | undefined
}

const slot: {
  running: RunningTracing | undefined
  client?: LangfuseClient | undefined
  wasStarted?: boolean
} = shared('tracing', () => ({ running: undefined }))

/** The tracing of this process as adapters use it; undefined before the start and after the shutdown. */
export function runningTracing(): RunningTracing | undefined {
  return slot.running
}

/**
 * The tracing of this process for a job. Starts it from the environment if nothing has, and says why not if it cannot: a job has no
 * middleware that would have started it. After a shutdown it stays off.
 */
export function tracingOfJobs(): RunningTracing | undefined {
  if (slot.running === undefined && slot.wasStarted !== true) {
    try {
      initTracing()
    } catch (error) {
      slot.wasStarted = true
      createLog(console).error(`not tracing: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return slot.running
}

/** The tracing of this process; undefined before the start and after the shutdown. */
export function getTracing(): Tracing | undefined {
  return slot.running?.tracing
}

/**
 * Starts tracing, once per process: later calls return the first one's result, and say so if they ask for something else.
 * Throws a MiddlewareError on a wrong option; whatever else goes wrong is logged and leaves the app untraced.
 */
export function initTracing(options?: TracingOptions): Tracing {
  const running = slot.running
  if (running !== undefined) {
    if (options !== undefined && !sameOptions(options, running.options ?? {})) {
      checkSameProject(running, resolveOptions(options))
      running.log.warnOnce(
        'second start',
        'tracing has already started with other options, which stay in force; call initTracing() once, before anything that starts it',
      )
    }
    return running.tracing
  }

  const config = resolveOptions(options)
  const { destination } = config
  // Placeholders for a local Langfuse may be one word, which hides nothing.
  const secrets =
    'secretKey' in destination &&
    destination.kind !== 'inspector' &&
    destination.secretKey !== destination.publicKey
      ? [destination.secretKey ?? '']
      : []
  const log = createLog(config.logger, secrets)
  if (config.enabled)
    for (const correction of config.corrections) log.warnOnce('environment name', correction)
  const runtime = config.enabled ? start(config, log) : undefined
  const started: RunningTracing = {
    tracing: createTracing(),
    config,
    runtime,
    log,
    options,
    startedAt: callSite(),
    client: undefined,
  }
  slot.running = started
  slot.wasStarted = true
  const exit = runtime && handleExit(exitWork(started, runtime), config.shutdown.signals)
  return started.tracing

  function createTracing(): Tracing {
    let closing: Promise<FlushResult> | undefined
    return {
      enabled: runtime !== undefined,
      stats() {
        const counts = runtime?.counts ?? { started: 0, ended: 0, skipped: 0 }
        return {
          requests: { ...counts, open: counts.started - counts.ended },
          buffer: runtime?.pipeline.buffer.stats(),
          delivery: runtime?.pipeline.delivery?.stats() ?? {},
          scores: runtime?.pipeline.scores.stats(),
          llmCalls: runtime?.pipeline.llmCalls.stats(),
          warnings: { ...log.causes },
        }
      },
      health: () =>
        runtime?.pipeline.delivery?.health() ?? { status: runtime ? 'ok' : 'closed', reasons: [] },
      observe: meter => runtime?.pipeline.delivery?.observe(meter) ?? (() => {}),
      async flush({ timeoutMs = config.shutdown.timeoutMs } = {}) {
        const scores = started.client && settlesWithin(started.client.flush(), timeoutMs)
        const [result] = await Promise.all([runtime?.pipeline.flush(timeoutMs), scores])
        return result ?? NOTHING_FLUSHED
      },
      shutdown(how) {
        closing ??= shutDown(started, exit, how)
        return closing
      },
    }
  }
}

/** The one LangfuseClient of this process, made on first use with the keys tracing runs with: prompts, scores, datasets. */
export function getLangfuseClient(): LangfuseClient {
  const { running } = slot
  const holder = running ?? slot
  if (holder.client !== undefined) return holder.client
  const { LangfuseClient }: typeof import('@langfuse/client') = require('@langfuse/client')
  const destination = (running?.config ?? resolveOptions()).destination
  // Where its port was taken, the app's own inspector is elsewhere.
  const moved = destination.kind === 'inspector' && running?.runtime?.pipeline.inspector?.url
  const client = new LangfuseClient(
    'publicKey' in destination && destination.secretKey !== undefined
      ? {
          publicKey: destination.publicKey,
          secretKey: destination.secretKey,
          baseUrl: moved || destination.baseUrl,
        }
      : {},
  )
  holder.client = client
  return client
}

function start(config: TracingConfig, log: Log): LiveRequestRuntime | undefined {
  const { destination } = config
  if (destination.kind === 'none') {
    const line = `not tracing: ${destination.missing.join(' and ')} not set (environment ${config.environment})`
    if (destination.missing.length === 2 && config.environment === 'test') log.info(line)
    else log.error(line)
    return undefined
  }
  const { refused } = config.inspector
  if (refused !== undefined) {
    log.warn(`inspector not started because ${refused}; set \`inspector.force: true\` to override`)
  }
  try {
    const otel = loadOtel()
    const pipeline = startPipeline({ config, destination, otel, log })
    log.info(startUpLine(config, pipeline.inspector !== undefined))
    const counts = { started: 0, ended: 0, skipped: 0 }
    return { otel, config, pipeline, log, counts, open: new LinkedList() }
  } catch (error) {
    // What is set up wrongly is for whoever sets it up; what breaks otherwise must not break the app.
    if (String((error as { code?: unknown }).code).startsWith('LANGFUSE_MIDDLEWARE_')) throw error
    log.error(`not tracing: tracing could not start: ${String(error)}`)
    return undefined
  }
}

// The rest of a shutdown's deadline is for sending.
const SHARE_OF_WAIT = 1 / 2

/** What is done when the process goes. */
function exitWork(running: RunningTracing, runtime: LiveRequestRuntime): ExitWork {
  const { tracing, config, log } = running
  const { pipeline } = runtime
  const handedIn = () => pipeline.delivery?.handedIn ?? runtime.counts.ended
  return {
    log,
    flush: () => tracing.flush(),
    leave: () =>
      leave({
        timeoutMs: config.shutdown.timeoutMs,
        log,
        handedIn,
        flush: timeoutMs => tracing.flush({ timeoutMs }),
        workAfterResponses: () => workAfterResponses(runtime.open),
        abandonOpen: () => abandonOpen(runtime),
      }),
    closeNow() {
      abandonOpen(runtime)
      pipeline.buffer.closeAll()
      pipeline.delivery?.closeNow()
    },
    handedIn,
  }
}

function abandonOpen(runtime: LiveRequestRuntime | undefined): void {
  for (let request = runtime?.open.first; request; request = runtime?.open.first) request.abandon()
}

async function shutDown(
  running: RunningTracing,
  exit: ExitHandling | undefined,
  { server, timeoutMs = running.config.shutdown.timeoutMs }: { server?: Server; timeoutMs?: number } = {},
): Promise<FlushResult> {
  const until = performance.now() + timeoutMs
  const { runtime, client, log } = running
  const drainMs = drainTime(timeoutMs)
  if (server !== undefined && !(await settlesWithin(drain(server), drainMs))) warnOfOpenRequests(log, drainMs)
  exit?.stop()
  const work = runtime && workAfterResponses(runtime.open)
  if (work !== undefined) {
    await settlesWithin(work, Math.max((until - performance.now()) * SHARE_OF_WAIT, 0))
  }
  if (slot.running === running) slot.running = undefined
  const left = Math.max(until - performance.now(), 0)
  abandonOpen(runtime)
  const scores = client && settlesWithin(client.shutdown(), left)
  const [result = NOTHING_FLUSHED] = await Promise.all([runtime?.pipeline.shutdown(left), scores])
  return result
}

/** The work that `waitUntil` was given by requests that have ended; undefined if there is none. */
function workAfterResponses(open: LinkedList<LiveRequest>): Promise<unknown> | undefined {
  const work: Promise<void>[] = []
  for (let request = open.first; request !== undefined; request = request.next) {
    const finished = request.finished()
    if (finished !== undefined) work.push(finished)
  }
  return work.length === 0 ? undefined : Promise.all(work)
}

/** A process traces to one project: of two pairs of keys, one would get nothing, or what belongs to the other. */
function checkSameProject({ config, startedAt }: RunningTracing, other: TracingConfig): void {
  const [first, second] = [config.destination, other.destination]
  if (first.kind !== 'langfuse' || second.kind !== 'langfuse' || first.publicKey === second.publicKey) return
  throw new MiddlewareError(
    'LANGFUSE_MIDDLEWARE_TWO_PROJECTS',
    `tracing was started at ${startedAt} with the key ${first.publicKey}, and again at ${callSite()} with ${second.publicKey}: ` +
      'a process traces to one project; to send to a second one as well, use the option `mirrors`',
  )
}

const OWN_CODE =
  /[\\/](@langfuse-middleware[\\/]|packages[\\/](core|express|fastify|koa|hono)[\\/](src|dist)[\\/])/

/** The first place outside of these packages in the current stack. */
function callSite(): string {
  const frames = new Error('where').stack?.split('\n').slice(1) ?? []
  const frame = frames.find(line => !OWN_CODE.test(line) && !line.includes('node:'))
  return frame?.replace(/^\s*at (async )?/, '').replace(/^.*\((.*)\)$/, '$1') ?? 'an unknown place'
}

/** Whether two calls ask for the same. Functions, loggers and exporters are the same only if they are one object. */
function sameOptions(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true
  if (left instanceof RegExp && right instanceof RegExp) return String(left) === String(right)
  if (!isPlain(left) || !isPlain(right) || Array.isArray(left) !== Array.isArray(right)) return false
  const names = new Set([...Object.keys(left), ...Object.keys(right)])
  return [...names].every(name => sameOptions(left[name], right[name]))
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  return Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value))
}
