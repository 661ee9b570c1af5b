import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Span } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Log } from '../basics/logger.ts'
import type { Otel } from '../basics/otel.ts'
import { loadedFiles, requireFrom } from '../basics/runtime-require.ts'
import { hasContextManager } from '../provider/registration.ts'

const SDK_PACKAGES = ['@opentelemetry/core', '@opentelemetry/sdk-trace-base']
const API_FILE = /[\\/]@opentelemetry[\\/]api[\\/]build[\\/]src[\\/]index\.js$/

/** Warns of several versions of OpenTelemetry's API, as far as they are loaded by now. */
export function checkApi(log: Log): void {
  const registry = (globalThis as Record<symbol, { version?: string } | undefined>)[
    Symbol.for('opentelemetry.js.api.1')
  ]
  const copies = loadedFiles(API_FILE).map(file => ({ file: dirname(file), version: versionAbove(file) }))
  const versions = new Set([...copies.map(({ version }) => version), registry?.version])
  versions.delete(undefined)
  if (versions.size < 2) return
  log.warnOnce(
    'api copies',
    `several versions of @opentelemetry/api are loaded: ${copies.map(({ file, version }) => `${version} (${file})`).join(', ')}; ` +
      `${registry?.version ?? 'the first'} was first, and spans and context of another may get lost. Keep one: npm ls @opentelemetry/api ` +
      'shows who brings them, npm dedupe or an entry under "overrides" in package.json makes them one',
  )
}

/** Warns of an SDK that Langfuse's packages do not work with. */
export function checkSdk(log: Log): void {
  const found = new Set<string>()
  for (const user of [undefined, '@langfuse/otel']) {
    for (const name of SDK_PACKAGES) {
      const version = versionOf(name, user)
      if (version !== undefined && !version.startsWith('2.')) {
        found.add(`${name} ${version}${user === undefined ? '' : ` for ${user}`}`)
      }
    }
  }
  if (found.size === 0) return
  log.warnOnce(
    'sdk versions',
    `OpenTelemetry's SDK must be of version 2, and there is ${[...found].join(', ')}: observations may get lost. Install ` +
      `${SDK_PACKAGES.map(name => `${name}@2`).join(' ')}, and look for an entry under "overrides" in package.json that says otherwise`,
  )
}

/** Throws where OpenTelemetry's SDK is not what it says: nothing of what it makes could be sent. */
export function checkSdkIsItself({ sdk }: Otel): void {
  const provider = new sdk.BasicTracerProvider({ sampler: new sdk.AlwaysOnSampler() })
  if (isReadable(provider.getTracer('probe').startSpan('probe'))) return
  throw new Error(
    "another tracer has put a provider of its own in the place of OpenTelemetry's SDK, as Datadog does where DD_TRACE_OTEL_ENABLED " +
      'is set: start tracing before it, or unset that',
  )
}

/** Warns where code that runs later does not know the request it belongs to. */
export function checkContext({ api }: Otel, log: Log): void {
  const remedy =
    'every observation becomes a trace of its own. Register one before tracing starts: ' +
    'context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())'
  if (!hasContextManager(api)) {
    return log.warnOnce(
      'context manager',
      `OpenTelemetry has no context manager, and refused ours: ${remedy}; or keep one version of @opentelemetry/api`,
    )
  }
  const key = api.createContextKey('langfuse-middleware.probe')
  const probe = async () => {
    await undefined
    if (api.context.active().getValue(key) !== undefined) return
    log.warnOnce(
      'context manager',
      `OpenTelemetry's context manager forgets the context at an await: ${remedy}`,
    )
  }
  void api.context.with(api.ROOT_CONTEXT.setValue(key, true), probe).catch(() => {})
}

function isReadable(span: Span): boolean {
  const { attributes, instrumentationScope, resource } = span as Partial<ReadableSpan>
  return attributes !== undefined && instrumentationScope !== undefined && resource !== undefined
}

/** Warns that another provider was registered before ours. */
export function warnOfOtherProvider(log: Log): void {
  log.warnOnce(
    'provider not global',
    "provider: 'global' has no effect, because another tracer has already registered OpenTelemetry's global provider; observations are " +
      'kept apart from it. Start tracing before that tracer, or leave the option out',
  )
}

/** The version of a package as `user`, a dependency of ours, or we ourselves load it. */
function versionOf(name: string, user: string | undefined): string | undefined {
  try {
    return versionAbove(requireFrom(user).resolve(name))
  } catch {
    return undefined
  }
}

function versionAbove(file: string): string | undefined {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      if (name !== undefined) return version
    } catch {
      // Not here: one folder up.
    }
  }
  return undefined
}
