import type { Transport } from '@langfuse-middleware/delivery'
import { MiddlewareError } from '@langfuse-middleware/delivery/options'
import { requireFrom } from '../basics/runtime-require.ts'

/** Creates the queue at LANGFUSE_QUEUE_URL. Throws if the URL cannot be used, or the package of queues is not installed. */
export function loadQueue(url: string): Transport {
  let queues: { queueFromUrl(url: string): Transport }
  try {
    queues = requireFrom()('@langfuse-middleware/queue')
  } catch (cause) {
    throw new MiddlewareError(
      'LANGFUSE_MIDDLEWARE_MISSING_PACKAGE',
      'LANGFUSE_QUEUE_URL needs the package @langfuse-middleware/queue: npm install @langfuse-middleware/queue',
      { cause },
    )
  }
  return queues.queueFromUrl(url)
}
