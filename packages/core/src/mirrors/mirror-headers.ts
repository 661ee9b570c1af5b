import type { MirrorConfig } from '../options/delivery-options.ts'

const DATADOG_SOURCE = 'dd-otlp-source'

/** Headers of every request to a mirror: its own, and the one by which Datadog takes spans as those of LLM Observability. */
export function mirrorHeaders({
  dialect,
  headers,
}: Pick<MirrorConfig, 'dialect' | 'headers'>): MirrorConfig['headers'] {
  if (dialect !== 'datadog') return headers
  const isSet = Object.keys(headers ?? {}).some(name => name.toLowerCase() === DATADOG_SOURCE)
  return isSet ? headers : { ...headers, [DATADOG_SOURCE]: 'llmobs' }
}
