import {
  type Check,
  checkNames,
  flag,
  invalid,
  isRecord,
  type OptionTable,
  resolveTable,
} from '@langfuse-middleware/delivery/options'
import { DIALECT_NAMES, type Endpoint } from '@langfuse-middleware/llm-calls'
import { stateless } from '../basics/stateless-expression.ts'

/** How the LLM calls of requests are observed. */
export interface LlmCallsOptions {
  /** Whether to record questions and answers. @default true */
  contents?: boolean
  /** Your own paths that speak a known dialect, or one of yours: `{ path: '/llm/ask', dialect: 'openai-chat' }`. */
  endpoints?: readonly Endpoint[]
  /**
   * Calls that are not observed: hosts (`'llm.internal'`, `'*.internal'`), paths (`'/v1/embeddings'`), regular expressions on host and path,
   * or a predicate.
   */
  ignore?: LlmCallsIgnore | readonly LlmCallsIgnore[]
}

/** A host, a path, a regular expression on both, or a predicate. */
export type LlmCallsIgnore = string | RegExp | ((call: { host: string; path: string }) => boolean)

/** LLM calls with contents, without them, or not at all. */
export type LlmCallsMode = boolean | 'metadata'

/** The option `llmCalls` with everything decided. */
export interface LlmCallsConfig {
  readonly mode: LlmCallsMode
  readonly endpoints: readonly Endpoint[]
  readonly ignores: ((host: string, path: string) => boolean) | undefined
}

interface ResolvedLlmCalls {
  contents: boolean
  endpoints: readonly Endpoint[]
  ignore: LlmCallsConfig['ignores']
}

const endpoints: Check<readonly Endpoint[]> = (path, value) => {
  if (!Array.isArray(value)) return invalid(path, 'a list of { path, dialect }', value)
  for (const [index, endpoint] of value.entries()) checkEndpoint(`${path}[${index}]`, endpoint)
  return value
}

const ignore: Check<LlmCallsConfig['ignores']> = (path, value) => {
  const tests = (Array.isArray(value) ? value : [value]).map((pattern: unknown) => ignoring(path, pattern))
  return (host, pathname) => tests.some(test => test(host, pathname))
}

/** The options within `llmCalls`. */
export const LLM_CALLS_OPTIONS: OptionTable<LlmCallsOptions, ResolvedLlmCalls> = {
  contents: { check: flag, default: true },
  endpoints: { check: endpoints, default: [] },
  ignore: { check: ignore, default: undefined },
}

/** Resolves the option `llmCalls`. */
export const resolveLlmCalls: Check<LlmCallsConfig> = (path, value) => {
  if (!isRecord(value)) return { mode: llmCallsMode(path, value), endpoints: [], ignores: undefined }
  const resolved = resolveTable<LlmCallsOptions, ResolvedLlmCalls, never>(path, value, LLM_CALLS_OPTIONS)
  return {
    mode: resolved.contents ? true : 'metadata',
    endpoints: resolved.endpoints,
    ignores: resolved.ignore,
  }
}

/** Checks how much of LLM calls is recorded. */
export const llmCallsMode: Check<LlmCallsMode> = (path, value) =>
  value === 'metadata' || typeof value === 'boolean'
    ? value
    : invalid(path, 'true, "metadata", false or an object', value)

function checkEndpoint(name: string, endpoint: unknown): void {
  checkNames(name, endpoint, ['path', 'dialect'])
  const { path, dialect } = endpoint as Partial<Endpoint>
  if (!(path instanceof RegExp) && (typeof path !== 'string' || !path.startsWith('/'))) {
    invalid(`${name}.path`, 'a path that starts with / or a RegExp', path)
  }
  const isKnown =
    typeof dialect === 'string' ? DIALECT_NAMES.includes(dialect) : typeof dialect?.request === 'function'
  if (!isKnown) invalid(`${name}.dialect`, `a dialect or one of ${DIALECT_NAMES.join(', ')}`, dialect)
}

function ignoring(name: string, pattern: unknown): (host: string, path: string) => boolean {
  if (typeof pattern === 'function') return (host, path) => pattern({ host, path }) === true
  if (pattern instanceof RegExp) {
    const test = stateless(pattern)
    return (host, path) => test(host + path)
  }
  if (typeof pattern !== 'string')
    return invalid(name, 'hosts, paths, regular expressions or a function', pattern)
  if (pattern.startsWith('/')) return (_host, path) => path === pattern
  return pattern.startsWith('*.') ? host => host.endsWith(pattern.slice(1)) : host => host === pattern
}
