import { type AgentOptions, Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'

/**
 * Creates a keep-alive agent that uses the environment's proxy (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`) if Node itself is told to:
 * `NODE_USE_ENV_PROXY=1` or `--use-env-proxy`, on Node 22.21 and 24.5 or later. Earlier versions ignore the option.
 * @see https://nodejs.org/api/http.html#built-in-proxy-support
 */
export function createAgent(secure: boolean): HttpAgent | HttpsAgent {
  const options: AgentOptions & { proxyEnv?: NodeJS.ProcessEnv } = { keepAlive: true }
  if (usesEnvironmentProxy()) options.proxyEnv = process.env
  return secure ? new HttpsAgent(options) : new HttpAgent(options)
}

function usesEnvironmentProxy(): boolean {
  if (process.env.NODE_USE_ENV_PROXY === '1') return true
  const flags = [...process.execArgv, ...(process.env.NODE_OPTIONS?.split(/\s+/) ?? [])]
  return flags.includes('--use-env-proxy')
}
