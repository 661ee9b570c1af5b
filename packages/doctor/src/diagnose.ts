import { checkBundler } from './checks/bundler.ts'
import type { CheckContext } from './checks/check.ts'
import { readConfiguration } from './checks/configuration.ts'
import { checkConnection } from './checks/connection.ts'
import { checkSpool } from './checks/spool.ts'
import { checkTestTrace } from './checks/test-trace.ts'
import { checkVersions } from './checks/versions.ts'
import { type Diagnosis, type Finding, findingsOf } from './report/finding.ts'
import { withoutSecrets } from './report/secrets.ts'

/** @see https://langfuse.com/security/data-regions */
const REGIONS: Readonly<Record<string, string>> = {
  'https://cloud.langfuse.com': 'EU',
  'https://us.cloud.langfuse.com': 'US',
  'https://jp.cloud.langfuse.com': 'Japan',
  'https://hipaa.cloud.langfuse.com': 'HIPAA',
}

/** Options of `diagnose`. */
export interface DiagnoseOptions {
  /** Folder of the app. @default the current one */
  directory?: string
  /** @default process.env */
  env?: NodeJS.ProcessEnv
  /** Looks at this machine only: nothing is requested, and no trace is sent. @default false */
  offline?: boolean
  /** The app's `delivery.spool.directory`. */
  spool?: string
  /** Other addresses at which the keys may belong to a project, with their names. @default the regions of Langfuse Cloud */
  regions?: Readonly<Record<string, string>>
  /** Milliseconds a request may take. @default 10000 */
  timeoutMs?: number
}

/**
 * Finds out what keeps traces from reaching Langfuse. Tracing must not run in this process. Never rejects.
 *
 * @example
 * const { healthy, findings } = await diagnose()
 */
export async function diagnose(options: DiagnoseOptions = {}): Promise<Diagnosis> {
  const {
    env = process.env,
    directory = process.cwd(),
    timeoutMs = 10_000,
    regions = REGIONS,
    spool,
    offline = false,
  } = options
  const { config, findings } = readConfiguration(env)
  const context: CheckContext = { directory, env, timeoutMs, config, spool, regions }
  const local = [checkVersions, checkBundler, checkSpool]
  const checks = offline ? local : [...local, checkConnection]
  const found: Finding[] = []
  for (const check of checks) found.push(...(await guarded(check, context)))
  const isReachable =
    !offline && !found.some(({ check, status }) => /^(reachability|keys)$/.test(check) && status === 'error')
  if (isReachable) found.push(...(await guarded(checkTestTrace, context)))
  const all = [...findings, ...found].map(finding => cleaned(finding, secretsOf(context)))
  return { healthy: !all.some(({ status }) => status === 'error'), findings: all }
}

async function guarded(
  check: (context: CheckContext) => Finding[] | Promise<Finding[]>,
  context: CheckContext,
) {
  try {
    return await check(context)
  } catch (failure) {
    return [
      findingsOf(check.name).error(`the check failed: ${(failure as Error).message}`, 'please report it'),
    ]
  }
}

function secretsOf({ config, env }: CheckContext): string[] {
  const named = Object.entries(env).filter(([name]) => /^LANGFUSE_.*(SECRET|KEY)/.test(name))
  const configured =
    config !== undefined && 'secretKey' in config.destination ? [config.destination.secretKey ?? ''] : []
  return [...named.map(([, value]) => value ?? ''), ...configured].filter(value => value.length > 3)
}

function cleaned(finding: Finding, secrets: readonly string[]): Finding {
  const { message, remedy } = finding
  return {
    ...finding,
    message: withoutSecrets(message, secrets),
    ...(remedy !== undefined && { remedy: withoutSecrets(remedy, secrets) }),
  }
}
