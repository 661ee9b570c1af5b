import type { Identity } from './identity.ts'
import { LiveTrace } from './live-trace.ts'
import type { RequestLike } from './request-like.ts'
import { isSkippedAtStart } from './sampling.ts'
import { runningTracing } from './tracing.ts'
import { UntracedRequest } from './untraced-request.ts'

const NO_REQUEST: RequestLike = { headers: {} }

const NOBODY: Identity<RequestLike> = {
  userId: () => undefined,
  sessionId: () => undefined,
  requestId: () => undefined,
  requestIdHeader: undefined,
}

/**
 * Runs work that no request asked for, such as a cron job or a message, as a trace of its own, with a request's sampling, identity
 * and verdict. Inside, `currentRequest()` is the job. Gives what `fn` gives; its error passes through.
 */
export async function traceJob<T>(name: string, fn: () => T | Promise<T>): Promise<T> {
  const runtime = runningTracing()?.runtime
  if (runtime === undefined) return new UntracedRequest(NO_REQUEST, NOBODY).run(fn)
  const traceId = runtime.pipeline.newTraceId()
  if (isSkippedAtStart(traceId, runtime.config.sampling)) {
    runtime.counts.skipped += 1
    return new UntracedRequest(NO_REQUEST, NOBODY, runtime.pipeline.silently).run(fn)
  }
  const job = new LiveTrace(runtime, undefined, NOBODY, undefined, {
    requestId: crypto.randomUUID(),
    traceId,
    method: name,
    input: undefined,
    metadata: {},
    tags: [],
    sampling: runtime.config.sampling,
    route: undefined,
  })
  try {
    return await job.run(fn)
  } catch (error) {
    job.fail(error)
    throw error
  } finally {
    job.end({ end: 'completed' })
  }
}
