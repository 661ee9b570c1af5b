import type { Context } from '@opentelemetry/api'
import type { Otel } from '../basics/otel.ts'

/** `context` without Langfuse's baggage: what a stranger sends there would end up on every observation. */
export function withoutClaims({ api }: Otel, context: Context): Context {
  const baggage = api.propagation.getBaggage(context)
  const claims = baggage?.getAllEntries().filter(([name]) => name.startsWith('langfuse_')) ?? []
  if (baggage === undefined || claims.length === 0) return context
  return api.propagation.setBaggage(context, baggage.removeEntries(...claims.map(([name]) => name)))
}

/** `context` with the claim that a trace is in Langfuse already, so that its part here is not taken for its root. */
export function withClaim({ api, langfuse }: Otel, context: Context, traceId: string): Context {
  const claim = { [langfuse.LANGFUSE_TRACE_ID_BAGGAGE_KEY]: { value: traceId } }
  return api.propagation.setBaggage(context, api.propagation.createBaggage(claim))
}
