import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { InspectorError } from '../basics/inspector-error.ts'
import type { LangfuseProject } from '../outgoing/langfuse-sender.ts'
import { builtInPrices, type PriceTable, parsePriceTable } from '../reading/pricing.ts'
import type { Trace } from '../reading/trace.ts'

/** What `startInspector` takes; everything is optional. */
export interface InspectorOptions {
  /**
   * Port to listen on; the next free one is taken where it is in use, 0 leaves the choice to the system.
   * @default 4319
   */
  port?: number | undefined
  /**
   * Address to listen on; one that others can reach needs `force`.
   * @default '127.0.0.1'
   */
  host?: string | undefined
  /**
   * Names under which clients may reach it, besides localhost and IP addresses.
   * @default []
   */
  allowedHosts?: readonly string[] | undefined
  /** Called with each trace when it settles, and again when it changed after that. */
  onTrace?: ((trace: Trace) => void) | undefined
  /**
   * Called with each line of warning.
   * @default process.emitWarning
   */
  warn?: ((message: string) => void) | undefined
  /**
   * Traces kept; the oldest goes first.
   * @default 20_000
   */
  maxTraces?: number | undefined
  /**
   * Spans kept in all traces together.
   * @default 200_000
   */
  maxSpans?: number | undefined
  /**
   * Estimated memory of everything kept.
   * @default 268_435_456
   */
  maxBytes?: number | undefined
  /**
   * File that traces are appended to and reloaded from at the next start; absent, they are kept in memory only.
   * @default undefined
   */
  file?: string | undefined
  /**
   * Size of that file and its predecessor together; the older half goes first.
   * @default 268_435_456
   */
  maxFileBytes?: number | undefined
  /**
   * Attributes kept of one span, event, link or resource.
   * @default 512
   */
  maxAttributes?: number | undefined
  /**
   * Characters kept of one attribute.
   * @default 1_000_000
   */
  maxValueLength?: number | undefined
  /**
   * Folder of the dataset files that traces are saved to.
   * @default 'datasets'
   */
  datasets?: string | undefined
  /**
   * Prices of models, for calls without `costDetails`; or the path of a JSON file with them.
   * @default the table that this version came with
   */
  prices?: PriceTable | string | undefined
  /**
   * The Langfuse project that a trace may be sent on to, by a button of the page.
   * @default undefined
   */
  sendTo?: LangfuseProject | undefined
  /**
   * Let the process end while the inspector listens.
   * @default false
   */
  unref?: boolean | undefined
  /**
   * Size of a request body, before and after decompression.
   * @default 16_777_216
   */
  maxBodyBytes?: number | undefined
  /**
   * Quiet time after which a trace whose root arrived counts as complete.
   * @default 300
   */
  settleMs?: number | undefined
  /**
   * Quiet time after which a trace without a root is given up on and counts as complete.
   * @default 10_000
   */
  rootlessSettleMs?: number | undefined
  /**
   * Start in production, or on an address that others can reach.
   * @default false
   */
  force?: boolean | undefined
}

/** The options in force. */
export interface InspectorConfig {
  readonly port: number
  readonly host: string
  readonly allowedHosts: readonly string[]
  readonly onTrace: (trace: Trace) => void
  readonly warn: (message: string) => void
  readonly maxTraces: number
  readonly maxSpans: number
  readonly maxBytes: number
  readonly file: string | undefined
  readonly maxFileBytes: number
  readonly maxAttributes: number
  readonly maxValueLength: number
  readonly datasets: string
  readonly prices: PriceTable
  readonly sendTo: LangfuseProject | undefined
  readonly unref: boolean
  readonly maxBodyBytes: number
  readonly settleMs: number
  readonly rootlessSettleMs: number
}

/** Checks and completes the options; throws an InspectorError on misuse. */
export function resolveOptions(options: InspectorOptions, env: NodeJS.ProcessEnv): InspectorConfig {
  const { host = '127.0.0.1', force = false } = options
  if (env.NODE_ENV === 'production' && !force) {
    throw new InspectorError(
      'LANGFUSE_MIDDLEWARE_INSPECTOR_IN_PRODUCTION',
      'The inspector keeps traces in memory for anyone on this machine to read, and NODE_ENV is production: set force to start it all the same',
    )
  }
  if (!isLoopback(host) && !force) {
    throw new InspectorError(
      'LANGFUSE_MIDDLEWARE_INSPECTOR_EXPOSED',
      `host ${JSON.stringify(host)} lets others on the network read the traces: use 127.0.0.1, or set force`,
    )
  }
  return Object.freeze({
    port: integer('port', options.port, 4319, 0, 65_535),
    host,
    allowedHosts: Object.freeze((options.allowedHosts ?? []).map(name => name.toLowerCase())),
    onTrace: options.onTrace ?? (() => {}),
    warn: options.warn ?? (message => process.emitWarning(message)),
    maxTraces: integer('maxTraces', options.maxTraces, 20_000, 1),
    maxSpans: integer('maxSpans', options.maxSpans, 200_000, 1),
    maxBytes: integer('maxBytes', options.maxBytes, 256 * 1024 * 1024, 1),
    file: options.file,
    maxFileBytes: integer('maxFileBytes', options.maxFileBytes, 256 * 1024 * 1024, 1),
    maxAttributes: integer('maxAttributes', options.maxAttributes, 512, 1),
    maxValueLength: integer('maxValueLength', options.maxValueLength, 1_000_000, 1),
    datasets: options.datasets ?? 'datasets',
    prices: priceTable(options.prices),
    sendTo: project(options.sendTo),
    unref: options.unref ?? false,
    maxBodyBytes: integer('maxBodyBytes', options.maxBodyBytes, 16 * 1024 * 1024, 1),
    settleMs: integer('settleMs', options.settleMs, 300, 0, 3_600_000),
    rootlessSettleMs: integer('rootlessSettleMs', options.rootlessSettleMs, 10_000, 0, 3_600_000),
  })
}

function priceTable(prices: PriceTable | string | undefined): PriceTable {
  if (prices === undefined) return builtInPrices
  if (typeof prices !== 'string') return parsePriceTable(JSON.stringify(prices), 'an object')
  let text: string
  try {
    text = readFileSync(prices, 'utf8')
  } catch (error) {
    throw new InspectorError(
      'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
      `prices must be a table or the path of a JSON file that can be read: ${(error as Error).message}`,
      { cause: error },
    )
  }
  return parsePriceTable(text, prices)
}

function project(sendTo: LangfuseProject | undefined): LangfuseProject | undefined {
  if (sendTo === undefined) return undefined
  const { baseUrl, publicKey, secretKey } = sendTo
  if (!/^https?:\/\//.test(baseUrl) || !URL.canParse(baseUrl) || !publicKey || !secretKey) {
    throw new InspectorError(
      'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
      `sendTo needs baseUrl, publicKey and secretKey, got ${JSON.stringify({ ...sendTo, secretKey: '…' })}`,
    )
  }
  return Object.freeze({ baseUrl, publicKey, secretKey })
}

function integer(
  name: string,
  value: number | undefined,
  fallback: number,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  const chosen = value ?? fallback
  if (Number.isInteger(chosen) && chosen >= least && chosen <= most) return chosen
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `between ${least} and ${most}`
  throw new InspectorError(
    'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
    `${name} must be an integer ${range}, got ${String(chosen)}`,
  )
}

/** Whether an address leads to this machine alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
