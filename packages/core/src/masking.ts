import type { Attributes, AttributeValue } from '@opentelemetry/api'
import type { Log } from './logger.ts'
import { serialise } from './observation-attributes.ts'
import type { Otel } from './otel.ts'

/** A value as the app lets it leave, which may take a while. */
export type Mask = (params: { data: unknown }) => unknown

/** The app's mask, made safe, and extended to what Langfuse's processor does not show it. */
export interface Masking {
  /** For inputs and outputs; hides what the app's mask fails on. */
  readonly mask: Mask
  /** Masks the metadata among an observation's attributes, in place. */
  maskMetadata(attributes: Attributes): void
}

const HIDDEN = '[hidden: the option mask failed]'

/** Wraps the option `mask`: a value that it fails on is hidden, and warned of once. */
export function createMasking(option: Mask, { langfuse }: Otel, log: Log): Masking {
  const { OBSERVATION_METADATA, TRACE_METADATA } = langfuse.LangfuseOtelSpanAttributes

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
    maskMetadata(attributes) {
      for (const [name, value] of Object.entries(attributes)) {
        if (!name.startsWith(OBSERVATION_METADATA) && !name.startsWith(TRACE_METADATA)) continue
        // Without a key it is one value, which Langfuse's processor masks.
        if (name === OBSERVATION_METADATA || name === TRACE_METADATA) continue
        const masked = mask({ data: value })
        // Metadata is written on the spot, and cannot wait.
        const left = isPromise(masked) ? hidden('metadata takes no promise') : written(masked)
        if (left === undefined) delete attributes[name]
        else attributes[name] = left
      }
    },
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

function written(value: unknown): AttributeValue | undefined {
  return typeof value === 'number' || typeof value === 'boolean' ? value : serialise(value)
}
