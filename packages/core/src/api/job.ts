import { randomUUID } from 'node:crypto'
import { currentOverlay } from '../context/request-context.ts'
import type { RequestLike } from '../http/request-like.ts'
import type { Identity } from '../options/identity.ts'
import { isSkippedAtStart } from '../options/sampling.ts'
import type { IncomingTrace } from '../propagation/trace-headers.ts'
import { tracingOfJobs } from '../start/tracing.ts'
import { LiveRequest } from '../trace/live-request.ts'
import { UntracedRequest } from '../trace/untraced-request.ts'
import { followIteration, isAsyncIterator } from './async-iteration.ts'

const NO_REQUEST: RequestLike = { headers: {} }

const NOBODY: Identity<RequestLike> = {
  userId: () => undefined,
  sessionId: () => undefined,
  requestId: () => undefined,
  requestIdHeader: undefined,
}

/**
 * Runs work outside of a request, such as a cron job or a message, as a trace of its own, or as a part of the trace in `from`, a result of
 * `extractTraceContext`. Sampling and identity are those of a request; inside, `currentRequest()` is the job. Starts tracing from the
 * environment if it has not started. Returns what `fn` returns; its error is passed on. The job ends with the promise or async generator.
 *
 * @example await traceJob('reindex', () => reindex())
 */
export async function traceJob<T>(
  name: string,
  fn: () => T | Promise<T>,
  { from }: { from?: IncomingTrace | undefined } = {},
): Promise<T> {
  const runtime = tracingOfJobs()?.runtime
  if (runtime === undefined) return new UntracedRequest(NO_REQUEST, NOBODY).run(fn)
  const { pipeline } = runtime
  const traceId = from?.claimed ? from.parent.traceId : pipeline.newTraceId()
  if (isSkippedAtStart(traceId, runtime.config.sampling)) {
    runtime.counts.skipped += 1
    return new UntracedRequest(NO_REQUEST, NOBODY, { pipeline }).run(fn)
  }
  const job = new LiveRequest(runtime, {
    newRequestId: randomUUID,
    traceId,
    name,
    sampling: runtime.config.sampling,
    joined: from?.claimed ? from : undefined,
    linked: from?.claimed ? undefined : from,
    around: currentOverlay(),
  })
  let result: T
  try {
    result = await job.run(fn)
  } catch (error) {
    job.fail(error)
    job.end({ end: 'completed' })
    throw error
  }
  if (isAsyncIterator(result)) {
    followIteration(result, {
      run: step => job.run(step),
      end(failure) {
        if (failure !== undefined) job.fail(failure.thrown)
        job.end({ end: 'completed' })
      },
    })
  } else job.end({ end: 'completed' })
  return result
}
