import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { MiddlewareOptions, RequestLike, RequestTrace } from '@langfuse-middleware/core/adapter'
import { createRequestTracer } from '@langfuse-middleware/core/adapter'
import type { RecordedObservation, Recorder } from '@langfuse-middleware/testing'

let serial = 0

/** The root of a request that `answer` answers, on a response of Node's that no socket reads. */
export async function answeredRequest(
  recorder: Recorder,
  capture: MiddlewareOptions['capture'],
  request: Partial<RequestLike> & { body?: unknown },
  answer: (response: ServerResponse, trace: RequestTrace) => void,
): Promise<RecordedObservation> {
  serial += 1
  const id = `request-${serial}`
  const asked = {
    method: 'POST',
    url: '/',
    ...request,
    headers: { 'x-request-id': id, ...request.headers },
  }
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  const traced = createRequestTracer({ ...(capture !== undefined && { capture }) }).start(asked)
  traced.endWith(response, () => undefined)
  answer(response, traced.trace)
  traced.end({ end: 'completed', statusCode: response.statusCode })
  const recorded = await recorder.waitFor(one => one.root?.metadata.requestId === id)
  return recorded.root as RecordedObservation
}
