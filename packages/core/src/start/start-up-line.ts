import { mirrorName, shownUrl } from '../options/delivery-options.ts'
import { inspectorUrl } from '../options/inspector-options.ts'
import type { TracingConfig } from '../options/resolve-options.ts'

/** One line that says what is in force; `embedded` if the inspector was started. */
export function startUpLine(config: TracingConfig, embedded: boolean): string {
  const { destination, sampling, flush, inspector } = config
  const address = inspector.port === 0 ? '' : ` at ${inspectorUrl(inspector.port)}`
  const where =
    destination.kind === 'langfuse'
      ? `${shownUrl(destination.baseUrl)} as ${shortened(destination.publicKey)}`
      : destination.kind === 'queue'
        ? `${queueName(config)} as ${shortened(destination.publicKey)}`
        : destination.kind === 'inspector'
          ? embedded
            ? `the inspector${address}, no keys set`
            : `the local inspector at ${shownUrl(destination.baseUrl)}, no keys set (npx @langfuse-middleware/inspector shows the traces)`
          : destination.kind === 'exporter'
            ? 'an exporter of the app'
            : 'mirrors alone'
  return [
    `tracing to ${where}`,
    ...(embedded && destination.kind !== 'inspector' ? [`inspector${address}`] : []),
    `environment ${config.environment}`,
    ...(config.release === undefined ? [] : [`release ${config.release}`]),
    `tier ${config.tier}`,
    `sampling ${sampling.rate}${sampling.rate < 1 && sampling.keepErrors ? ' and every error' : ''}`,
    `flush every ${flush.intervalMs / 1_000} s`,
    ...(config.delivery.spool === undefined ? [] : [`spool ${config.delivery.spool.directory}`]),
    ...(config.mirrors.length === 0 ? [] : [`mirrors ${config.mirrors.map(mirrorName).join(', ')}`]),
  ].join(' · ')
}

/** Without what follows the protocol, which may hold a password. */
function queueName({ queue }: TracingConfig): string {
  return typeof queue === 'string'
    ? `the queue at ${queue.replace(/:\/\/.*/, '://…')}`
    : `the queue ${queue?.name}`
}

function shortened(key: string): string {
  return key.length > 12 ? `${key.slice(0, 10)}…` : key
}
