import type { Log } from '../basics/logger.ts'
import type { Otel } from '../basics/otel.ts'
import type { Outcome } from '../http/outcome.ts'
import { type Destination, isLoopback } from '../options/destination.ts'
import type { TracingConfig } from '../options/resolve-options.ts'
import { createAskInspector } from './ask-inspector.ts'

/** Says where the traces of ended requests are shown. */
export interface TraceLinks {
  ended(name: string, outcome: Outcome, durationMs: number, traceId: string): void
}

/** Where traces are shown: an address, or what tells one in a while, or nowhere. */
export type FindInspector = () => string | undefined | Promise<string | undefined>

const RETRY_MS = 5_000
const ANSWER_MS = 1_000

/** Logs one line for each ended request, with a link to its trace; nothing for as long as no inspector is there. */
function createTraceLinks(find: FindInspector, log: Log): TraceLinks {
  return {
    ended(name, { statusCode, end }, durationMs, traceId) {
      const found = find()
      if (found === undefined) return
      const how = statusCode ?? (end === 'completed' ? undefined : end.replaceAll('_', ' '))
      const line = [name, how, `${Math.round(durationMs)} ms`].filter(part => part !== undefined).join(' ')
      const say = (url: string | undefined) => {
        if (url !== undefined) log.info(`${line} ${url}/traces/${traceId}`)
      }
      if (typeof found === 'string') say(found)
      // Where none could be started, that has been said.
      else found.then(say, () => {})
    },
  }
}

/** Looks for an inspector at `baseUrl` when asked, and again where nobody answers, at most every few seconds. */
function lookForInspector(baseUrl: string, otel: Otel, now: () => number = Date.now): FindInspector {
  const ask = createAskInspector(otel)
  let found: string | undefined
  let looking: Promise<string | undefined> | undefined
  let nextLookAt = 0

  async function look(): Promise<string | undefined> {
    try {
      const answer = await ask(`${baseUrl}/api/inspector`, { timeoutMs: ANSWER_MS })
      if (nameIn(answer) === 'langfuse-inspector') found = baseUrl
      // Somebody else lives there, a Langfuse of the user's own perhaps, and will not move out.
      else nextLookAt = Number.POSITIVE_INFINITY
    } catch {
      nextLookAt = now() + RETRY_MS
    }
    looking = undefined
    return found
  }

  return () => {
    if (found !== undefined || now() < nextLookAt) return found
    looking ??= look()
    return looking
  }
}

/** Links to the inspector that `find` finds; undefined if links are off. */
export function linksFor(
  config: TracingConfig,
  find: FindInspector | undefined,
  log: Log,
): TraceLinks | undefined {
  return config.inspector.links && find ? createTraceLinks(find, log) : undefined
}

/** Looks for an inspector that runs beside this app, if traces go to this machine in development. */
export function findStandalone(
  config: TracingConfig,
  destination: Destination,
  otel: Otel,
): FindInspector | undefined {
  const { baseUrl } = 'baseUrl' in destination ? destination : {}
  if (!config.inspector.links || baseUrl === undefined || !isLoopback(baseUrl)) return undefined
  return lookForInspector(baseUrl, otel)
}

function nameIn(json: string): unknown {
  try {
    return (JSON.parse(json) as { name?: unknown } | null)?.name
  } catch {
    return undefined
  }
}
