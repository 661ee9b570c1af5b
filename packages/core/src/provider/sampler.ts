import type { Context } from '@opentelemetry/api'
import type { Sampler, SamplingResult } from '@opentelemetry/sdk-trace-base'
import type { Otel } from '../basics/otel.ts'
import { type HeldTrace, isOf } from '../buffer/held-trace.ts'
import { isSampled } from '../options/sampling.ts'

/** Records what belongs to a request until that is dropped; outside requests the trace id decides, a parent's decision first. */
export function createSampler(
  otel: Otel,
  rate: number,
  traceOf: (context: Context) => HeldTrace | undefined,
): Sampler {
  const { SamplingDecision, TraceFlags, trace } = otel.api
  const record: SamplingResult = { decision: SamplingDecision.RECORD_AND_SAMPLED }
  const skip: SamplingResult = { decision: SamplingDecision.NOT_RECORD }
  return {
    shouldSample(context, traceId) {
      const held = traceOf(context)
      if (held !== undefined && isOf(held, traceId)) return held.decision === 'drop' ? skip : record
      const parent = trace.getSpanContext(context)
      const sampled =
        parent !== undefined && !parent.isRemote && parent.traceId === traceId
          ? (parent.traceFlags & TraceFlags.SAMPLED) !== 0
          : isSampled(traceId, rate)
      return sampled ? record : skip
    },
    toString: () => 'langfuse-middleware',
  }
}
