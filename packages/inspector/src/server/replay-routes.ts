import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { RequestError } from '../basics/request-error.ts'
import type { OtlpSpan } from '../otlp/otlp-span.ts'
import { keyVariable } from '../outgoing/api-key.ts'
import {
  type ReplayEvent,
  type ReplayedGeneration,
  replayGeneration,
  replayRequest,
} from '../outgoing/replay.ts'
import { json, type Reply } from './reply.ts'
import { readObject } from './request-json.ts'
import type { Route } from './route.ts'

/** What the routes share. */
export interface ReplayContext {
  maxBodyBytes: number
  env: NodeJS.ProcessEnv
  /** Whether only this machine reaches the inspector: others must not send requests through it. */
  isLocal: boolean
  keepSpans(spans: OtlpSpan[]): string[]
}

/** Sends requests and generations again, and streams the answers as lines of JSON. */
export function createReplayRoutes({ maxBodyBytes, env, isLocal, keepSpans }: ReplayContext): Route[] {
  const requireLocal = (): void => {
    if (!isLocal)
      throw new RequestError(403, 'replays are off: others on the network can reach this inspector')
  }
  return [
    {
      path: /^\/api\/replay\/key$/,
      methods: {
        GET: ({ url }) => {
          const target = new URL(url!, 'http://localhost').searchParams.get('url') ?? ''
          const variable = URL.canParse(target) ? keyVariable(new URL(target), env) : undefined
          return json(200, { variable: variable ?? null })
        },
      },
    },
    {
      path: /^\/api\/replay\/request$/,
      methods: {
        POST: async request => {
          requireLocal()
          const { method, url, headers, body } = await readObject(request, maxBodyBytes)
          const sent = {
            method: String(method),
            url: String(url),
            headers: Object.fromEntries(
              Object.entries((headers ?? {}) as object).map(([name, value]) => [name, String(value)]),
            ),
            ...(typeof body === 'string' && { body }),
          }
          return stream(replayRequest(sent))
        },
      },
    },
    {
      path: /^\/api\/replay\/generation$/,
      methods: {
        POST: async request => {
          requireLocal()
          const generation = readGeneration(await readObject(request, maxBodyBytes))
          return stream(replayGeneration(generation, env, keepSpans))
        },
      },
    },
  ]
}

function readGeneration({ url, body, key, of }: Record<string, unknown>): ReplayedGeneration {
  const { traceId, observationId } = (of ?? {}) as Record<string, unknown>
  if (typeof body !== 'object' || body === null) throw new RequestError(400, 'body must be an object')
  if (!/^[0-9a-f]{32}$/.test(String(traceId)) || !/^[0-9a-f]{16}$/.test(String(observationId))) {
    throw new RequestError(400, 'of must name a trace and an observation')
  }
  return {
    url: String(url),
    body: body as Record<string, unknown>,
    ...(typeof key === 'string' && key !== '' && { key }),
    of: { traceId: String(traceId), observationId: String(observationId) },
  }
}

function stream(events: AsyncGenerator<ReplayEvent>): Reply {
  const lines = async function* (): AsyncGenerator<string> {
    try {
      for await (const event of events) yield `${JSON.stringify(event)}\n`
    } catch (error) {
      yield `${JSON.stringify({ end: true, durationMs: 0, error: (error as Error).message })}\n`
    }
  }
  return {
    statusCode: 200,
    contentType: 'application/x-ndjson',
    body: '',
    stream: response => {
      // A reader that leaves half-way is no error.
      pipeline(Readable.from(lines()), response).catch(() => {})
    },
  }
}
