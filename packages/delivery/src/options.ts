/** What a package that builds on delivery needs before tracing starts: the error class, the checks, the option tables. Loads no OpenTelemetry. */
export {
  atLeast,
  between,
  type Check,
  callback,
  flag,
  httpUrl,
  integer,
  invalid,
  isRecord,
  listOf,
  milliseconds,
  oneOf,
  text,
  textRecord,
  withMethods,
} from './basics/checks.ts'
export { createLog, type Log, type Logger, type LogOptions } from './basics/logger.ts'
export { type ErrorCode, MiddlewareError } from './basics/middleware-error.ts'
export {
  checkNames,
  checkTable,
  group,
  type OptionEntry,
  type OptionSource,
  type OptionTable,
  resolveEntry,
  resolveTable,
} from './basics/option-table.ts'
export { createRedactor } from './basics/redact.ts'
export { OUTBOX_OPTIONS, type OutboxOptions } from './outbox/options.ts'
export { langfuseBaseUrl } from './senders/langfuse-endpoint.ts'
export {
  HTTP_SENDER_OPTIONS,
  type HttpSenderOptions,
  headersFor,
  otlpProtocol,
} from './senders/sender-options.ts'
export type { ResolvedSpoolOptions, SpoolOptions } from './spool/options.ts'
