import type { Sender } from '@langfuse-middleware/delivery'
import type { SharedInspector } from '@langfuse-middleware/inspector'
import type { Log } from '../basics/logger.ts'
import { requireFrom } from '../basics/runtime-require.ts'
import { type InspectorConfig, inspectorUrl } from '../options/inspector-options.ts'

type InspectorPackage = typeof import('@langfuse-middleware/inspector')

/** The inspector of this process, or the one of another app on this machine. */
export interface LocalInspector {
  /** Where it is, once that is known. */
  readonly url: string | undefined
  /** Where it will be, while it is looked for or started; rejects where that fails. */
  find(): Promise<string> | undefined
  /** A sender to its address that waits until there is one, and starts one where that of another app has gone. */
  sender(make: (url: string) => Sender): Sender
  /** Ends the one of this process. */
  close(): Promise<void>
}

/** Finds or starts the inspector, without waiting for it. Undefined, with a warning, if it is not installed. */
export function bringInspector(config: InspectorConfig, log: Log): LocalInspector | undefined {
  const { port, file, force } = config
  const inspectorPackage = loadInspector(log)
  if (inspectorPackage === undefined) return undefined
  const { ensureInspector } = inspectorPackage
  let connecting: Promise<SharedInspector> | undefined
  let url: string | undefined

  function connect(): Promise<SharedInspector> {
    connecting ??= start()
    return connecting
  }

  async function start(): Promise<SharedInspector> {
    try {
      const shared = await ensureInspector({ port, file, force, warn: log.warn })
      url = shared.url
      if (port === 0) log.info(`the inspector shows the traces at ${url}`)
      return shared
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
    find: () => connecting?.then(shared => shared.url),
    sender(make) {
      let made: { readonly url: string; readonly sender: Sender } | undefined
      return {
        identity: inspectorUrl(port),
        async send(body, options) {
          const connected = connect()
          const { url, inspector } = await connected
          if (made?.url !== url) made = { url, sender: make(url) }
          const result = await made.sender.send(body, options)
          // The app that ran it has ended: the next attempt starts one here.
          const gone = result.outcome === 'unreachable' && inspector === undefined
          if (gone && connecting === connected) connecting = undefined
          return result
        },
        close: () => made?.sender.close?.(),
      }
    },
    async close() {
      const shared = await connecting?.catch(() => undefined)
      await shared?.inspector?.close()
    },
  }
}

/** Production installs without development dependencies, so a missing inspector must not stop the app. */
function loadInspector(log: Log): InspectorPackage | undefined {
  try {
    return requireFrom()('@langfuse-middleware/inspector')
  } catch (error) {
    const missing = (error as { code?: unknown }).code === 'MODULE_NOT_FOUND'
    const reason = missing ? 'is not installed' : `cannot be loaded (${String(error)})`
    log.warnOnce(
      'inspector missing',
      `inspector not started: @langfuse-middleware/inspector ${reason}. npm install --save-dev @langfuse-middleware/inspector, or remove the option \`inspector\``,
    )
    return undefined
  }
}
