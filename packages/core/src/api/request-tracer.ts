import { randomUUID } from 'node:crypto'
import { createLog } from '../basics/logger.ts'
import type { TracedRequest } from '../context/request-trace.ts'
import { pathOf, type RequestLike, urlOf } from '../http/request-like.ts'
import { seeServer } from '../http/seen-servers.ts'
import {
  type MiddlewareOptions,
  type RequestConfig,
  type RouteOptions,
  resolveRequestOptions,
  splitOptions,
} from '../options/request-options.ts'
import { isSkippedAtStart, samplingOver } from '../options/sampling.ts'
import { carriesTrace, readTrace } from '../propagation/trace-headers.ts'
import { initTracing, runningTracing } from '../start/tracing.ts'
import { LiveRequest, type LiveRequestRuntime } from '../trace/live-request.ts'
import { UntracedRequest } from '../trace/untraced-request.ts'

/** Starts the trace of each request. */
export interface RequestTracer {
  /** Starts a request's trace. Never throws: a request that is not traced gets one whose methods do nothing. `route` are the options of the route, if the adapter knows them by now; `false` opts out. */
  start(request: RequestLike, route?: RouteOptions | false): TracedRequest
  /** Runs what an adapter does with a trace. If it throws, as on a frozen request, the request goes on and a warning is logged once. */
  attempt(work: () => void): void
}

/** Validates an adapter's options, starts tracing from them and the environment if nothing has, and returns its tracer. */
export function createRequestTracer<Request extends RequestLike>(
  options: MiddlewareOptions<Request> = {},
): RequestTracer {
  const { tracing, requests } = splitOptions(options)
  initTracing(tracing)
  const log = runningTracing()?.log ?? createLog(console)
  const config = resolveRequestOptions(requests, log)

  return {
    start(request, route) {
      const runtime = runningTracing()?.runtime
      if (runtime === undefined) return new UntracedRequest(request, config.identity, { route })
      try {
        seeServer(request)
        return startTrace(request, route, config, runtime)
      } catch (error) {
        log.warnOnce('start failed', `a request is not traced: ${String(error)}`)
        return new UntracedRequest(request, config.identity, { route, pipeline: runtime.pipeline })
      }
    },
    attempt(work) {
      try {
        work()
      } catch (error) {
        log.warnOnce('attach failed', `a request or response is not fully traced: ${String(error)}`)
      }
    },
  }
}

function startTrace(
  request: RequestLike,
  route: RouteOptions | false | undefined,
  config: RequestConfig,
  runtime: LiveRequestRuntime,
): TracedRequest {
  const { counts, log, pipeline } = runtime
  const url = urlOf(request)
  if (route === false || config.ignore?.(pathOf(url), request)) {
    counts.skipped += 1
    return new UntracedRequest(request, config.identity, { route, pipeline })
  }
  const incoming = carriesTrace(request.headers) ? readTrace(request.headers, runtime.otel, log) : undefined
  const joined = incoming && isTrusted(request, incoming.claimed, config) ? incoming : undefined
  const traceId = joined?.parent.traceId ?? config.traceId?.(request) ?? pipeline.newTraceId()
  const sampling = samplingOver(route?.sampling, runtime.config.sampling)
  // Without its options a route may still change its sampling.
  if (route !== undefined && isSkippedAtStart(traceId, sampling)) {
    counts.skipped += 1
    return new UntracedRequest(request, config.identity, { route, pipeline, echo: true })
  }
  const start = {
    newRequestId: randomUUID,
    traceId,
    name: request.method ?? 'GET',
    sampling,
    joined,
    linked: joined === undefined ? incoming : undefined,
    asked: { request, config, url },
  }
  return new LiveRequest(runtime, start, route)
}

/** True if the caller's trace may be joined: one that is claimed, or with `'traceparent'` any. */
function isTrusted(request: RequestLike, isClaimed: boolean, config: RequestConfig): boolean {
  const trust = config.trust(request)
  return trust === 'traceparent' || (trust && isClaimed)
}
