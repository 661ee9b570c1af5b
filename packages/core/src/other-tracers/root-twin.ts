import type { Attributes, Link, SpanContext, TracerProvider } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Log } from '../basics/logger.ts'
import type { Otel } from '../basics/otel.ts'
import type { HeldTrace } from '../buffer/held-trace.ts'
import { adopting } from './adopted-spans.ts'
import { warnOfLostRoot } from './self-check.ts'

/** A root as a provider of the app's has it. */
export interface RootTwin {
  /** Its ids, which are the root's too. */
  readonly context: SpanContext
  end(root: ReadableSpan): void
}

/** Starts the twin of a root. A trace whose twin is not recorded is skipped, as none of its observations would be. */
export function createTwins(otel: Otel, provider: TracerProvider, log: Log) {
  const { api, langfuse } = otel
  const tracer = provider.getTracer(langfuse.LANGFUSE_TRACER_NAME, langfuse.LANGFUSE_SDK_VERSION)

  return (
    held: HeldTrace,
    name: string,
    parent: SpanContext | undefined,
    links: Link[] | undefined,
  ): RootTwin => {
    const above = parent ? api.trace.setSpanContext(api.ROOT_CONTEXT, parent) : api.ROOT_CONTEXT
    const { current } = adopting
    let reached = false
    // The root is there already, and needs no copy.
    adopting.current = {
      start() {
        reached = true
      },
      end() {},
    }
    try {
      const span = tracer.startSpan(name, { ...(links && { links }) }, above)
      if (!reached) {
        held.owner.skip()
        warnOfLostRoot(span, log)
      }
      return {
        context: span.spanContext(),
        end(root) {
          const attributes: Attributes = {}
          held.owner.describe({ attributes } as ReadableSpan)
          span.updateName(root.name)
          span.setAttributes(attributes)
          span.end(root.endTime)
        },
      }
    } finally {
      adopting.current = current
    }
  }
}
