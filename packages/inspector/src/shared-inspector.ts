import { type Inspector, startInspector } from './inspector.ts'
import { type InspectorOptions, resolveOptions } from './options.ts'

const probeTimeoutMs = 1_000

/** The inspector that apps on this machine share. */
export interface SharedInspector {
  /** What LANGFUSE_BASE_URL should be; `/traces/<id>` after it shows a trace. */
  url: string
  /** Present where this process runs it. */
  inspector?: Inspector
}

/** Finds the inspector that already runs on the port, or starts one there that does not keep the process alive. */
export async function ensureInspector(options: InspectorOptions = {}): Promise<SharedInspector> {
  const { host, port } = resolveOptions(options, process.env)
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  if (await isInspector(url)) return { url }
  const { warn = process.emitWarning } = options
  let warnings: string[] | undefined = []
  const inspector = await startInspector({
    unref: true,
    ...options,
    warn: message => (warnings ? warnings.push(message) : warn(message)),
  })
  // Another app may have been faster: the port is theirs now, and ours is not needed.
  if (port !== 0 && inspector.port !== port && (await isInspector(url))) {
    await inspector.close()
    return { url }
  }
  for (const warning of warnings) warn(warning)
  warnings = undefined
  return { url: inspector.url, inspector }
}

async function isInspector(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/api/inspector`, { signal: AbortSignal.timeout(probeTimeoutMs) })
    const { name } = (await response.json()) as { name?: unknown }
    return name === 'langfuse-inspector'
  } catch {
    return false
  }
}
