import { flag, invalid, knownKeys, numberBetween, text } from '../basics/validation.ts'
import type { Env, EnvironmentKind } from './environment.ts'

/** The inspector that the app brings along in development. */
export interface LocalInspectorOptions {
  /** Port to listen on; an inspector that already runs there is shared. @default 4319 */
  port?: number
  /** Where traces are kept over restarts; `false` for in memory only. @default .langfuse/traces.jsonl */
  file?: string | false
  /** Say, as each request ends, where its trace is shown. @default true */
  links?: boolean
  /** Start also where this is not development. @default false */
  force?: boolean
}

/** LocalInspectorOptions with everything decided. */
export interface InspectorConfig {
  readonly embedded: boolean
  /** Why it does not start though it was asked for. */
  readonly refused: string | undefined
  readonly links: boolean
  readonly port: number
  readonly file: string | undefined
  readonly force: boolean
}

const PORT = 4319
const FILE = '.langfuse/traces.jsonl'

/** Where an inspector on this machine listens unless told otherwise. */
export function inspectorUrl(port: number = PORT): string {
  return `http://127.0.0.1:${port}`
}

/** It starts in development alone, unless forced; tests neither start it nor print links. */
export function resolveInspector(
  option: boolean | LocalInspectorOptions | undefined,
  env: Env,
  kind: EnvironmentKind,
): InspectorConfig {
  if (option !== undefined && typeof option !== 'boolean')
    knownKeys('inspector', option, ['port', 'file', 'links', 'force'])
  const { port = PORT, file = FILE, links = true, force = false } = typeof option === 'object' ? option : {}
  const mode = env.NODE_ENV?.toLowerCase()
  const wanted = option !== undefined && option !== false
  const forced = flag('inspector.force', force)
  const developing = kind === 'development' && mode !== 'production' && mode !== 'test'
  const embedded = wanted && (forced || developing)
  const reason = mode === 'production' ? 'NODE_ENV is production' : `this is ${kind}`
  return Object.freeze({
    embedded,
    refused: wanted && !embedded && mode !== 'test' ? reason : undefined,
    links: flag('inspector.links', links) && option !== false && (embedded || developing),
    port: Number.isInteger(port)
      ? numberBetween('inspector.port', port, 0, 65_535)
      : invalid('inspector.port', 'an integer', port),
    file: file === false ? undefined : text('inspector.file', file),
    force: forced,
  })
}
