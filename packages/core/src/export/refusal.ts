import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base'

/** The refusal of spans that are not to be sent, for a processor that must see the end of every span it saw start. */
export interface Refusal {
  active: boolean
}

/** Lets `processor` see the end of a span that it is not to send. */
export function refuse(refusal: Refusal, processor: SpanProcessor, span: ReadableSpan): void {
  refusal.active = true
  try {
    processor.onEnd(span)
  } finally {
    refusal.active = false
  }
}
