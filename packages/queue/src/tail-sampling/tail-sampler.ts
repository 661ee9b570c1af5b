import { splitByTrace } from '@langfuse-middleware/delivery'
import { linesOf } from '../contract/split.ts'
import { openDecisions } from './decisions.ts'
import type { SampledTrace, TailSamplingConfig } from './options.ts'
import { type ReadSpan, readSpans } from './span-reader.ts'

/** Part of a message: the spans of one trace. */
interface TracePart {
  body: Uint8Array
  spans: number
  /** Called if the trace is kept: sends the part. */
  keep(): void
  /** Called if the trace is dropped. */
  drop(): void
}

/** Holds spans until their trace is decided. */
export interface TailSampler {
  /** Takes a message with spans; `part` turns its share of each trace into a part. */
  add(body: Uint8Array, part: (body: Uint8Array, spans: number) => TracePart): void
  /** False if the trace of every score in a body was dropped. */
  keepsScores(body: Uint8Array): boolean
  /** While nothing is read, a trace is not quiet. */
  setPaused(paused: boolean): void
  /** Bytes held. */
  readonly bytes: number
  /** Spans held. */
  readonly spans: number
  /** Spans of traces that were dropped. */
  readonly droppedSpans: number
  close(): void
}

interface HeldTrace {
  parts: TracePart[]
  read: ReadSpan[]
  bytes: number
  spans: number
  since: number
  lastAt: number
}

const DECIDE_EVERY_MS = 200

/** Creates the sampler. Time is that of this worker: the clocks of the services may be wrong. */
export function createTailSampler(
  config: TailSamplingConfig,
  {
    maxBytes,
    warn,
    now = () => performance.now(),
  }: { maxBytes: number; warn: (message: string) => void; now?: () => number },
): TailSampler {
  const decisions = openDecisions(config.directory, config.maxDecisions)
  const traces = new Map<string, HeldTrace>()
  let bytes = 0
  let spans = 0
  let droppedSpans = 0
  let isPaused = false
  const timer = setInterval(decideQuiet, Math.min(DECIDE_EVERY_MS, config.quietMs))

  return {
    add(body, part) {
      const failed: string[] = []
      for (const { traceId, ...record } of splitByTrace(body)) {
        const piece = part(record.body, record.spans)
        const known = decisions.get(traceId)
        if (known !== undefined) conclude([piece], known)
        else if (hold(traceId, piece)) failed.push(traceId)
      }
      // What has failed is kept whatever else comes.
      if (failed.length > 0) decide(failed.map(traceId => [traceId, true]))
      while (bytes > maxBytes) decideOldest()
    },
    keepsScores: body =>
      linesOf(body).some(line => decisions.get(JSON.parse(line.toString('utf8')).body.traceId) !== false),
    setPaused(value) {
      if (isPaused && !value) for (const trace of traces.values()) trace.lastAt = now()
      isPaused = value
    },
    get bytes() {
      return bytes
    },
    get spans() {
      return spans
    },
    get droppedSpans() {
      return droppedSpans
    },
    close: () => clearInterval(timer),
  }

  /** Returns true if the trace is kept at once. */
  function hold(traceId: string, piece: TracePart): boolean {
    let trace = traces.get(traceId)
    if (trace === undefined) {
      trace = { parts: [], read: [], bytes: 0, spans: 0, since: now(), lastAt: 0 }
      traces.set(traceId, trace)
    }
    const read = [...readSpans(piece.body)]
    trace.parts.push(piece)
    trace.read.push(...read)
    trace.bytes += piece.body.length
    trace.spans += piece.spans
    trace.lastAt = now()
    bytes += piece.body.length
    spans += piece.spans
    return config.keepErrors && read.some(span => span.failed)
  }

  function decideQuiet(): void {
    if (isPaused) return
    const at = now()
    const due = [...traces].filter(
      ([, { lastAt, since }]) => at - lastAt >= config.quietMs || at - since >= config.maxTraceMs,
    )
    decide(due.map(([traceId, trace]) => [traceId, isKept(traceId, trace)]))
  }

  /** Memory is full: the trace that was held longest is decided on what is known of it. */
  function decideOldest(): void {
    const [oldest] = traces
    if (oldest === undefined) return
    const [traceId, trace] = oldest
    warn(
      'tail sampling holds more than half of `maxBytes`: traces are decided early. Raise maxBytes or lower quietMs',
    )
    decide([[traceId, isKept(traceId, trace)]])
  }

  function decide(decided: [traceId: string, keep: boolean][]): void {
    if (decided.length === 0) return
    try {
      decisions.add(decided)
    } catch (error) {
      warn(
        `decisions cannot be written to ${config.directory} (${String(error)}): spans that come late may be decided anew`,
      )
    }
    for (const [traceId, keep] of decided) {
      const trace = traces.get(traceId)
      if (trace === undefined) continue
      traces.delete(traceId)
      bytes -= trace.bytes
      spans -= trace.spans
      conclude(trace.parts, keep)
    }
  }

  function conclude(parts: readonly TracePart[], keep: boolean): void {
    for (const part of parts) {
      if (keep) part.keep()
      else {
        droppedSpans += part.spans
        part.drop()
      }
    }
  }

  function isKept(traceId: string, { read }: HeldTrace): boolean {
    const failed = read.some(span => span.failed)
    const starts = Math.min(...read.map(({ startMs }) => startMs))
    const durationMs = Math.max(...read.map(({ endMs }) => endMs)) - starts
    if (failed && config.keepErrors) return true
    if (durationMs >= (config.keepSlowerThanMs ?? Number.POSITIVE_INFINITY)) return true
    if (config.keep !== undefined && isWanted({ traceId, spans: read, failed, durationMs })) return true
    return isSampled(traceId, config.rate)
  }

  function isWanted(trace: SampledTrace): boolean {
    try {
      return config.keep!(trace)
    } catch (error) {
      warn(`tailSampling.keep threw, the trace is kept: ${String(error)}`)
      return true
    }
  }
}

/** The same for a trace in every worker, because it depends on nothing but its id. */
function isSampled(traceId: string, rate: number): boolean {
  return Number.parseInt(traceId.slice(-13), 16) / 2 ** 52 < rate
}
