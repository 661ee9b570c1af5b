import type { LangfuseClient } from '@langfuse/client'
import type { Context } from '@opentelemetry/api'
import { getLangfuseClient, runningTracing } from '../start/tracing.ts'
import type { LiveRequestRuntime } from '../trace/live-request.ts'

/** What links a generation to a version of a prompt: what `getPrompt` gives. */
export interface PromptVersion {
  readonly name: string
  readonly version: number
  readonly isFallback?: boolean | undefined
}

// A request waits for the first fetch of a prompt, so it is shorter than the client's own.
const FIRST_FETCH = { fetchTimeoutMs: 5_000, maxRetries: 1 }

/**
 * A prompt from Langfuse, through the client of this process: from its cache, which is renewed in the background, else fetched. Where
 * Langfuse cannot be reached it is `options.fallback`, or the promise rejects.
 */
export const getPrompt: LangfuseClient['getPrompt'] = async (
  name: string,
  options?: object,
): Promise<never> => {
  const client = getLangfuseClient()
  const fetch = () => client.getPrompt(name, { ...FIRST_FETCH, ...options }) as Promise<never>
  const otel = runningTracing()?.runtime?.otel
  if (otel === undefined) return fetch()
  // A call to Langfuse is no part of the request: neither an observation, nor a service that the trace goes on in.
  return otel.api.context.with(otel.core.suppressTracing(otel.api.ROOT_CONTEXT), fetch)
}

/**
 * Links every generation made in `fn` to `prompt`, except those that name one themselves. What was made before, or is made outside of
 * it, is not touched; a fallback is not linked.
 */
export function withPrompt<T>(prompt: PromptVersion, fn: () => T): T {
  const runtime = runningTracing()?.runtime
  if (runtime === undefined) return fn()
  runtime.pipeline.settle()
  return runtime.otel.api.context.with(linked(prompt, runtime), fn)
}

function linked(prompt: PromptVersion, { otel, log }: LiveRequestRuntime): Context {
  const { api, tracing } = otel
  const active = api.context.active()
  const span = api.trace.getSpan(active)
  try {
    const { name, version, isFallback = false } = prompt
    // Without the active span, which the SDK would link as well: it is what the prompt is used in.
    const context = api.context.with(api.trace.deleteSpan(active), () =>
      tracing.propagateAttributes({ prompt: { name, version, isFallback } }, () => api.context.active()),
    )
    return span === undefined ? context : api.trace.setSpan(context, span)
  } catch (error) {
    log.warnOnce('prompt unlinked', `a prompt is linked to nothing: ${String(error)}`)
    return active
  }
}
