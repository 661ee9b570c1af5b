import type { Sender } from '@langfuse-middleware/delivery'
import type { SharedInspector } from '@langfuse-middleware/inspector'
import { type InspectorConfig, inspectorUrl } from './inspector-options.ts'
import { lazyRequire } from './lazy-require.ts'
import type { Log } from './logger.ts'
import { MiddlewareError } from './middleware-error.ts'

type InspectorPackage = typeof import('@langfuse-middleware/inspector')
type DeliveryPackage = typeof import('@langfuse-middleware/delivery')

/** The inspector of this process, or the one of another app on this machine. */
export interface LocalInspector {
  /** Where it is, once that is known. */
  readonly url: string | undefined
  /** Where it will be, while it is looked for or started; rejects where that fails. */
  find(): Promise<string> | undefined
  /** Sends as soon as there is an inspector, and starts one where the one of another app has gone. */
  readonly sender: Sender
}

interface Connection {
  readonly shared: SharedInspector
  readonly sender: Sender
}

/** Finds or starts the inspector, without waiting for it; throws where it is not installed. */
export function bringInspector(config: InspectorConfig, log: Log): LocalInspector {
  const { port, file, force } = config
  const { ensureInspector } = loadInspector()
  const { createOtlpSender } = lazyRequire<DeliveryPackage>('@langfuse-middleware/delivery')
  let connecting: Promise<Connection> | undefined
  let url: string | undefined
  let closed = false

  function connect(): Promise<Connection> {
    connecting ??= start()
    return connecting
  }

  async function start(): Promise<Connection> {
    try {
      const shared = await ensureInspector({ port, file, force, warn: log.warn })
      url = shared.url
      if (port === 0) log.info(`the inspector shows the traces at ${url}`)
      return { shared, sender: createOtlpSender({ url }) }
    } catch (error) {
      connecting = undefined
      log.warnOnce('inspector failed', `the inspector could not start, the app goes on: ${String(error)}`)
      throw error
    }
  }

  // What it rejects with has been said, and the next to send tries again.
  connect().catch(() => {})

  return {
    get url() {
      return url
    },
    find: () => connecting?.then(({ shared }) => shared.url),
    sender: {
      identity: `inspector:${inspectorUrl(port)}`,
      async send(body, options) {
        if (closed) return { outcome: 'unreachable', reason: 'closed' }
        const { sender, shared } = await connect()
        const result = await sender.send(body, options)
        // The app that ran it has ended: the next attempt starts one here.
        if (result.outcome === 'unreachable' && shared.inspector === undefined) connecting = undefined
        return result
      },
      async close() {
        closed = true
        const connection = await connecting?.catch(() => undefined)
        await connection?.sender.close?.()
        await connection?.shared.inspector?.close()
      },
    },
  }
}

/** Only who asks for the inspector needs the package, and is told at start-up if it is not there. */
function loadInspector(): InspectorPackage {
  try {
    return lazyRequire<InspectorPackage>('@langfuse-middleware/inspector')
  } catch (cause) {
    throw new MiddlewareError(
      'LANGFUSE_MIDDLEWARE_MISSING_PACKAGE',
      'the option inspector needs the package @langfuse-middleware/inspector: npm install --save-dev @langfuse-middleware/inspector',
      { cause },
    )
  }
}
