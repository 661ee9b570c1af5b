import {
  flag,
  integer,
  type OptionSource,
  type OptionTable,
  resolveTable,
  text,
} from '@langfuse-middleware/delivery/options'
import type { Env, EnvironmentKind } from './environment.ts'

/** The inspector that the app starts in development. */
export interface LocalInspectorOptions {
  /** Port to listen on; an inspector that already runs there is shared. @default 4319 */
  port?: number
  /** File that keeps traces over restarts; `false` keeps them in memory only. @default .langfuse/traces.jsonl */
  file?: string | false
  /** Log a link to the trace when a request ends. @default true */
  links?: boolean
  /** Start the inspector outside of development, too. @default false */
  force?: boolean
}

/** LocalInspectorOptions with everything decided. */
export interface InspectorConfig {
  readonly embedded: boolean
  /** Why the inspector does not start although it is configured. */
  readonly refused: string | undefined
  readonly links: boolean
  readonly port: number
  readonly file: string | undefined
  readonly force: boolean
}

const PORT = 4319

const path = text("a file's path or false")

/** Every option of `inspector`. */
export const INSPECTOR_OPTIONS: OptionTable<LocalInspectorOptions> = {
  port: { check: integer(0, 65_535), default: PORT },
  file: { check: (name, value) => value !== false && path(name, value), default: '.langfuse/traces.jsonl' },
  links: { check: flag, default: true },
  force: { check: flag, default: false },
}

/** Where an inspector on this machine listens by default. */
export function inspectorUrl(port: number = PORT): string {
  return `http://127.0.0.1:${port}`
}

/** Checks the option `inspector`: a flag, or the options of one. */
export function checkInspector(path: string, value: unknown): boolean | Required<LocalInspectorOptions> {
  return typeof value === 'boolean' ? value : resolveInspectorOptions(path, value)
}

/** Decides whether the inspector starts: in development only, unless forced, and never in a test run, which has no links either. */
export function resolveInspector(
  option: boolean | Required<LocalInspectorOptions> | undefined,
  env: Env,
  kind: EnvironmentKind,
): InspectorConfig {
  const { port, file, links, force } =
    typeof option === 'object' ? option : resolveInspectorOptions('inspector', {})
  const mode = env.NODE_ENV?.toLowerCase()
  const isWanted = option !== undefined && option !== false
  const isDevelopment = kind === 'development' && mode !== 'production' && mode !== 'test'
  const embedded = isWanted && (force || isDevelopment)
  const reason = mode === 'production' ? 'NODE_ENV is "production"' : `the environment is of the kind ${kind}`
  return Object.freeze({
    embedded,
    refused: isWanted && !embedded && mode !== 'test' ? reason : undefined,
    links: links && option !== false && (embedded || isDevelopment),
    port,
    file: file === false ? undefined : file,
    force,
  })
}

function resolveInspectorOptions(path: string, value: unknown): Required<LocalInspectorOptions> {
  return resolveTable<LocalInspectorOptions, Required<LocalInspectorOptions>, OptionSource>(
    path,
    value,
    INSPECTOR_OPTIONS,
  )
}
