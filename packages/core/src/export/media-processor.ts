import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { type Refusal, refuse } from './refusal.ts'

interface MediaProcessorOptions {
  /** Langfuse's processor without its search for media. */
  readonly plain: SpanProcessor
  /** The same with it; sees only the ends of spans that hold media. */
  readonly media: SpanProcessor
  readonly refusal: Refusal
  /** Runs `upload` outside of the request, whose trace the uploads would carry in their headers otherwise. */
  readonly outside: (upload: () => void) => void
}

/**
 * Hands the few spans that hold media to a processor that uploads it, and all others to one that does not look: Langfuse's search goes
 * through all attributes six times and by a regular expression, which is a sixth of what a generation costs.
 */
export function createMediaProcessor({
  plain,
  media,
  refusal,
  outside,
}: MediaProcessorOptions): SpanProcessor {
  return {
    onStart: (span, context) => plain.onStart(span, context),
    onEnd(span) {
      if (refusal.active || !holdsMedia(span)) return plain.onEnd(span)
      outside(() => media.onEnd(span))
      // The one that saw it start must see it end.
      refuse(refusal, plain, span)
    },
    async forceFlush() {
      await Promise.all([plain.forceFlush(), media.forceFlush()])
    },
    async shutdown() {
      await Promise.all([plain.shutdown(), media.shutdown()])
    },
  }
}

/** Whether an attribute may hold media: a data URI, or a part of a message that the AI SDK calls a file. */
export function holdsMedia({ attributes, instrumentationScope: { name: scope } }: ReadableSpan): boolean {
  const hasFiles = scope === 'ai' || scope === 'gen_ai'
  for (const name in attributes) {
    const value = attributes[name]
    if (typeof value !== 'string') continue
    if (value.includes(';base64,') || (hasFiles && value.includes('"file"'))) return true
  }
  return false
}
