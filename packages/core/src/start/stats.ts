import type { OutboxStats } from '@langfuse-middleware/delivery'
import type { BufferStats } from '../buffer/trace-buffer.ts'
import type { ScoreStats } from '../delivery/scores.ts'
import type { LlmCallStats } from '../llm-calls/llm-calls.ts'
import type { RequestCounts } from '../trace/pipeline.ts'

/** Counters since tracing started. */
export interface TracingStats {
  readonly requests: Readonly<RequestCounts> & { readonly open: number }
  readonly buffer: BufferStats | undefined
  /** What became of observations that were kept, by destination: `langfuse` or `queue`, `inspector`, and each mirror's address. */
  readonly delivery: Readonly<Record<string, OutboxStats>>
  /** What became of scores; undefined where tracing is off. */
  readonly scores: ScoreStats | undefined
  /** LLM calls seen on the wire, and what became of them; undefined where tracing is off. */
  readonly llmCalls: LlmCallStats | undefined
  /** How often each warning's cause occurred, warned of or not. */
  readonly warnings: Readonly<Record<string, number>>
}
