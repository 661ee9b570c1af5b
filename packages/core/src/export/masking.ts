import type { Attributes, AttributeValue } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Log } from '../basics/logger.ts'
import type { Otel } from '../basics/otel.ts'
import { CONTENT } from './content-attributes.ts'
import { serialise } from './observation-attributes.ts'

/** A value as the app lets it leave, which may take a while. */
export type Mask = (params: { data: unknown }) => unknown

/** The app's mask, made safe, and extended to what Langfuse's processor does not show it. */
export interface Masking {
  /** For inputs and outputs; hides what the app's mask fails on. */
  readonly mask: Mask
  /** Masks in place what an observation says elsewhere: metadata, and contents under the names of other conventions. */
  maskRest(span: ReadableSpan): void
}

const HIDDEN = '[hidden: the option mask failed]'

/** Wraps the option `mask`: a value that it fails on is hidden, and warned of once. */
export function createMasking(option: Mask, { langfuse }: Otel, log: Log): Masking {
  const { OBSERVATION_METADATA, TRACE_METADATA, OBSERVATION_STATUS_MESSAGE } =
    langfuse.LangfuseOtelSpanAttributes

  function hidden(error: unknown): string {
    log.warnOnce('mask failed', `the option mask failed, what it fails on is hidden: ${String(error)}`)
    return HIDDEN
  }

  function mask(params: { data: unknown }): unknown {
    try {
      const masked = option(params)
      return isPromise(masked) ? Promise.resolve(masked).catch(hidden) : masked
    } catch (error) {
      return hidden(error)
    }
  }

  return {
    mask,
    maskRest({ attributes, events, status }) {
      maskAttributes(attributes)
      if (status.message !== undefined) maskMessage(status)
      for (const event of events) if (event.attributes !== undefined) maskAttributes(event.attributes)
    },
  }

  function maskMessage(status: { message?: string }): void {
    const masked = mask({ data: status.message })
    status.message = String(
      isPromise(masked) ? hidden('only inputs and outputs can wait for a promise') : masked,
    )
  }

  function maskAttributes(attributes: Attributes): void {
    for (const [name, value] of Object.entries(attributes)) {
      if (!isMetadata(name) && !CONTENT.test(name)) continue
      const masked = mask({ data: value })
      // Attributes are written on the spot, and cannot wait.
      const left = isPromise(masked)
        ? hidden('only inputs and outputs can wait for a promise')
        : written(masked)
      if (left === undefined) delete attributes[name]
      else attributes[name] = left
    }
  }

  /** True for metadata by key, and a status message. Without a key metadata is one value, which Langfuse's processor masks. */
  function isMetadata(name: string): boolean {
    if (name === OBSERVATION_STATUS_MESSAGE) return true
    return name.startsWith(`${OBSERVATION_METADATA}.`) || name.startsWith(`${TRACE_METADATA}.`)
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

function written(value: unknown): AttributeValue | undefined {
  return typeof value === 'number' || typeof value === 'boolean' ? value : serialise(value)
}
