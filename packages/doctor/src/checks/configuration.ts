import { resolveOptions, type TracingConfig } from '@langfuse-middleware/core'
import { type Finding, findingsOf } from '../report/finding.ts'
import { shownKey } from '../report/secrets.ts'

const { ok, error, warning } = findingsOf('configuration')

/** Reads the environment as tracing does at its start. */
export function readConfiguration(env: NodeJS.ProcessEnv): {
  config: TracingConfig | undefined
  findings: Finding[]
} {
  let config: TracingConfig
  try {
    config = resolveOptions({}, env)
  } catch (failure) {
    return { config: undefined, findings: [error((failure as Error).message, 'correct the variable')] }
  }
  const { destination, enabled, environment, sampling } = config
  const findings: Finding[] = []
  if (!enabled) findings.push(error('tracing is off', 'unset LANGFUSE_TRACING_ENABLED'))
  if (destination.kind === 'none')
    findings.push(
      error(
        `no keys: ${destination.missing.join(', ')} not set`,
        'copy the keys from the project settings in Langfuse',
      ),
    )
  if (sampling.rate < 1)
    findings.push(
      warning(
        `${sampling.rate * 100} % of the traces are kept`,
        'set LANGFUSE_SAMPLE_RATE=1 while you look for a trace',
      ),
    )
  if ('publicKey' in destination && destination.secretKey !== undefined)
    findings.push(...keyFindings(destination.publicKey, destination.secretKey))
  if (findings.some(({ status }) => status === 'error')) return { config, findings }
  const to = 'baseUrl' in destination ? new URL(destination.baseUrl).host : destination.kind
  return { config, findings: [ok(`environment ${environment}, traces go to ${to}`), ...findings] }
}

function keyFindings(publicKey: string, secretKey: string): Finding[] {
  if (publicKey.startsWith('sk-lf-') || secretKey.startsWith('pk-lf-'))
    return [
      error(
        'the public and the secret key are swapped',
        'LANGFUSE_PUBLIC_KEY begins with pk-lf-, LANGFUSE_SECRET_KEY with sk-lf-',
      ),
    ]
  if (/^["']|["']$|\s/.test(publicKey + secretKey))
    return [error('a key has quotes or white space around it', 'remove them from the variable')]
  if (!publicKey.startsWith('pk-lf-'))
    return [
      warning(
        `the public key ${shownKey(publicKey)} is not one of Langfuse's form pk-lf-…`,
        'fine for a local Langfuse; else copy it again',
      ),
    ]
  return []
}
