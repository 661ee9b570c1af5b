import { currentRequest, extractTraceContext, safeTrace, traceJob } from '@langfuse-middleware/core'

/**
 * Works messages off, each as a part of the trace of the request that sent it, until the queue ends.
 * @param {AsyncIterable<import('./message-queue.mjs').Message>} messages
 */
export async function consume(messages) {
  for await (const { headers, body } of messages) {
    const from = extractTraceContext(headers)
    // What fails is on the trace; the next message is not to wait for it.
    await traceJob('write-report', () => writeReport(body), { from }).catch(() => {})
  }
}

/** @param {{ topic: string }} order */
async function writeReport({ topic }) {
  const outline = await safeTrace('outline', () => [`What ${topic} is`, `What ${topic} costs`])
  if (topic === 'nothing') throw new Error('There is nothing to report.')
  currentRequest()?.update({ input: topic, output: outline })
}
