import { type Finding, findingsOf } from '../report/finding.ts'
import { shownKey } from '../report/secrets.ts'
import type { Check } from './check.ts'
import { askLangfuse, type LangfuseProject } from './langfuse-request.ts'

type Regions = Readonly<Record<string, string>>

const MAX_CLOCK_SKEW_MS = 60_000

/** Tries the address, the keys and the clock against Langfuse. */
export const checkConnection: Check = async ({ config, env, timeoutMs, regions }) => {
  const { error, ok, skipped } = findingsOf('reachability')
  const destination = config?.destination
  if (destination === undefined || !('publicKey' in destination) || destination.secretKey === undefined)
    return [skipped('no address and keys to try')]
  let response: Response
  try {
    response = await askLangfuse(destination, '/api/public/projects', timeoutMs)
  } catch (failure) {
    return [
      error(
        `${destination.baseUrl} does not answer: ${reasonOf(failure)}`,
        remedyFor(failure, destination.baseUrl),
      ),
      ...proxy(env),
    ]
  }
  const { status } = response
  const location = response.headers.get('location')
  if (location !== null)
    return [
      error(
        `${destination.baseUrl} redirects to ${location}`,
        'set LANGFUSE_BASE_URL to the address that answers itself',
      ),
    ]
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  if ((status < 400 && !isJson) || status === 404)
    return [
      error(
        `${destination.baseUrl} is no Langfuse: it answered ${status} to /api/public/projects`,
        'LANGFUSE_BASE_URL is the address of the server, without a path',
      ),
    ]
  return [
    ok(`${destination.baseUrl} answers`),
    ...proxy(env),
    ...clock(response),
    ...(await keys(response, destination, timeoutMs, regions)),
  ]
}

async function keys(
  response: Response,
  project: LangfuseProject,
  timeoutMs: number,
  regions: Regions,
): Promise<Finding[]> {
  const { ok, error } = findingsOf('keys')
  if (response.ok) {
    const { data } = (await response.json()) as { data?: { name?: string }[] }
    return [ok(`${shownKey(project.publicKey)} opens the project ${data?.[0]?.name ?? 'without a name'}`)]
  }
  if (response.status !== 401 && response.status !== 403)
    return [
      error(
        `Langfuse answered ${response.status}`,
        'try again; if it lasts, look at the status page or the logs of your Langfuse',
      ),
    ]
  const region = await otherRegion(project, timeoutMs, regions)
  if (region !== undefined)
    return [error(`the keys belong to another region: ${regions[region]}`, `set LANGFUSE_BASE_URL=${region}`)]
  return [
    error(
      `${shownKey(project.publicKey)} is refused with ${response.status}`,
      'create new keys in the settings of the project, and set both',
    ),
  ]
}

/** The keys go to other hosts of Langfuse Cloud only. */
async function otherRegion(
  project: LangfuseProject,
  timeoutMs: number,
  regions: Regions,
): Promise<string | undefined> {
  const own = new URL(project.baseUrl).origin
  if (regions[own] === undefined) return undefined
  for (const baseUrl of Object.keys(regions).filter(region => region !== own)) {
    const response = await askLangfuse({ ...project, baseUrl }, '/api/public/projects', timeoutMs).catch(
      () => undefined,
    )
    if (response?.ok) return baseUrl
  }
  return undefined
}

function clock(response: Response): Finding[] {
  const { ok, warning } = findingsOf('clock')
  const theirs = Date.parse(response.headers.get('date') ?? '')
  if (Number.isNaN(theirs)) return []
  const skewMs = Date.now() - theirs
  if (Math.abs(skewMs) <= MAX_CLOCK_SKEW_MS) return [ok('agrees with the server')]
  return [
    warning(
      `this machine is ${Math.round(Math.abs(skewMs) / 1_000)} s ${skewMs > 0 ? 'ahead of' : 'behind'} the server`,
      'traces appear at the wrong time, or outside of the range that the page shows: synchronise the clock (NTP)',
    ),
  ]
}

function proxy(env: NodeJS.ProcessEnv): Finding[] {
  const { ok, warning } = findingsOf('proxy')
  const name = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].find(name => env[name])
  if (name === undefined) return []
  if (env.NODE_USE_ENV_PROXY) return [ok(`${name} is used`)]
  return [
    warning(
      `${name} is set, and Node.js ignores it`,
      'set NODE_USE_ENV_PROXY=1 (Node.js 24 or later), or give delivery.agent',
    ),
  ]
}

function reasonOf(failure: unknown): string {
  const { name, message, cause } = failure as Error & { cause?: { code?: string; message?: string } }
  if (name === 'TimeoutError') return 'it took too long'
  return cause?.code ?? cause?.message ?? message
}

function remedyFor(failure: unknown, baseUrl: string): string {
  const reason = reasonOf(failure)
  if (/ENOTFOUND|EAI_AGAIN/.test(reason))
    return `check the name in LANGFUSE_BASE_URL, and DNS: nslookup ${new URL(baseUrl).hostname}`
  if (/CERT|SELF_SIGNED|UNABLE_TO/.test(reason))
    return 'give Node.js the certificate of your authority: NODE_EXTRA_CA_CERTS=/path/to/ca.pem'
  if (/ECONNREFUSED/.test(reason)) return 'start the server, or correct the port in LANGFUSE_BASE_URL'
  return 'check firewall and proxy'
}
