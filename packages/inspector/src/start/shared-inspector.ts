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
  const urlOf = (port: number): string => `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  if (await isInspector(urlOf(port))) return { url: urlOf(port) }
  const { warn = process.emitWarning } = options
  let warnings: string[] | undefined = []
  const inspector = await startInspector({
    unref: true,
    ...options,
    warn: message => (warnings ? warnings.push(message) : warn(message)),
  })
  // Another app was faster, or went past the same port that something else has: theirs serves, and ours is not needed.
  for (let taken = port; port !== 0 && taken < inspector.port; taken += 1) {
    if (!(await isInspector(urlOf(taken)))) continue
    await inspector.close()
    return { url: urlOf(taken) }
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
