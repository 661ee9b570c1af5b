import { version } from '../../package.json' with { type: 'json' }
import { encodeJson } from '../otlp/otlp-encode.ts'
import { decodeJson } from '../otlp/otlp-json.ts'
import type { OtlpSpan } from '../otlp/otlp-span.ts'
import type { PriceOf } from '../reading/price-of.ts'
import { summariseTrace, type TraceSummary } from '../reading/trace-summary.ts'
import { spanBytes } from './memory-estimate.ts'

/** What a line of the file says of its trace before the spans are read, which takes ten times as long. */
export interface StoredTrace {
  summary: TraceSummary
  /** Memory that its spans take, roughly. */
  bytes: number
  /** Reads the spans. */
  read(): OtlpSpan[]
}

/** How the heads of lines are made. */
export interface Summariser {
  /** Changes with the price table: heads of another one are not used. */
  tag: string
  priceOf: PriceOf
}

interface Head extends Pick<StoredTrace, 'summary' | 'bytes'> {
  /** Of the inspector that wrote it: another one may sum up differently. */
  version: string
  /** Of the rest of the line, which a crash may have cut off. */
  length: number
}

// Raised when a summary gets new fields.
const format = '+2'
const headMark = '{"inspector":'
const restMark = ',"resourceSpans":'

/** Spans as lines of the file, one for each trace: OTLP/JSON that begins with what a list shows of it. */
export function encodeLines(spans: OtlpSpan[], summariser: Summariser): string[] {
  const traces = new Map<string, Map<string, OtlpSpan>>()
  for (const span of spans) {
    const ofTrace = traces.get(span.traceId) ?? new Map<string, OtlpSpan>()
    traces.set(span.traceId, ofTrace)
    // Of a span that comes twice the last counts.
    ofTrace.delete(span.spanId)
    ofTrace.set(span.spanId, span)
  }
  return [...traces.values()].map(ofTrace => encodeLine([...ofTrace.values()], summariser))
}

function encodeLine(spans: OtlpSpan[], { tag, priceOf }: Summariser): string {
  const rest = `,${encodeJson(spans).slice(1)}`
  const head: Head = {
    version: version + format + tag,
    length: Buffer.byteLength(rest),
    bytes: spans.reduce((sum, span) => sum + spanBytes(span), 0),
    summary: summariseTrace(spans, [], [], { settled: true, revision: 1 }, priceOf),
  }
  return headMark + JSON.stringify(head) + rest
}

/** The trace of a line, its spans unread; `undefined` where the line has no such head, or not one to go by. */
export function readHead(line: Buffer, { tag }: Summariser): StoredTrace | undefined {
  if (line.toString('latin1', 0, headMark.length) !== headMark) return undefined
  // Cannot occur in a string, where quotes are escaped.
  const end = line.indexOf(restMark)
  if (end === -1) return undefined
  const head = JSON.parse(line.toString('utf8', headMark.length, end)) as Head
  if (head.version !== version + format + tag || head.length !== line.length - end) return undefined
  return {
    summary: head.summary,
    bytes: head.bytes,
    read() {
      try {
        return decodeJson(line).spans
      } catch {
        // Somebody has changed the file by hand.
        return []
      }
    },
  }
}
