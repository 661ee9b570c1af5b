import type { Attributes, AttributeValue } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { RootSpan } from '../buffer/root-span.ts'

/** Token counts as most conventions count them: cached tokens are part of the input, reasoning is part of the output. */
interface TokenCounts {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheCreation: number
  readonly reasoning: number
}

/** An HTTP request that the process answered. */
export interface ServedRequest {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly route: string | undefined
  readonly statusCode: number | undefined
  readonly userAgent: string | undefined
}

/** What a span with Langfuse's attributes says, free of any naming convention. */
export interface MirroredObservation {
  readonly span: ReadableSpan
  /** Langfuse's type, such as `generation` or `tool`; undefined for a span of another instrumentation. */
  readonly type: string | undefined
  /** True for a generation or an embedding. */
  readonly isModelCall: boolean
  readonly isRoot: boolean
  readonly input: unknown
  readonly output: unknown
  /** The model that answered, or else the one that was asked for. */
  readonly model: string | undefined
  readonly requestModel: string | undefined
  readonly parameters: Readonly<Record<string, unknown>>
  readonly tokens: TokenCounts | undefined
  readonly sessionId: string | undefined
  readonly userId: string | undefined
  /** Undefined unless the observation failed. */
  readonly error: { readonly type: string; readonly message: string | undefined } | undefined
  /** Undefined unless the span is the root of an HTTP request. */
  readonly served: ServedRequest | undefined
  /** A value of the observation's metadata. */
  metadata(name: string): string | undefined
}

const OBSERVATION = 'langfuse.observation'
const METADATA = `${OBSERVATION}.metadata`
const MODEL_CALLS = new Set(['generation', 'embedding'])

/** Reads an observation; malformed JSON is read as text or as absent. */
export function readObservation(span: ReadableSpan): MirroredObservation {
  const { attributes } = span
  const type = text(attributes[`${OBSERVATION}.type`])
  const metadata = (name: string) => text(attributes[`${METADATA}.${name}`])
  const isModelCall = type !== undefined && MODEL_CALLS.has(type)
  const model = text(attributes[`${OBSERVATION}.model.name`])
  return {
    span,
    type,
    isModelCall,
    isRoot: span.parentSpanContext === undefined,
    input: parsed(attributes[`${OBSERVATION}.input`]),
    output: parsed(attributes[`${OBSERVATION}.output`]),
    model,
    requestModel: metadata('requestModel') ?? model,
    parameters: fields(parsed(attributes[`${OBSERVATION}.model.parameters`])),
    tokens: isModelCall ? tokensOf(fields(parsed(attributes[`${OBSERVATION}.usage_details`]))) : undefined,
    sessionId: text(attributes['session.id']),
    userId: text(attributes['user.id']),
    error: errorOf(attributes, metadata),
    served: servedBy(span, metadata),
    metadata,
  }
}

/** The members of an object; none of anything else. */
export function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {}
}

/** A non-empty text of an attribute, or a number or boolean as text. */
export function text(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** An integer of an attribute or a text. */
export function integer(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined
}

function parsed(value: AttributeValue | undefined): unknown {
  if (typeof value !== 'string' || !/^[{[]/.test(value)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

/** Langfuse's buckets are disjoint; Anthropic's own names, which some wrappers keep, are too. */
function tokensOf(usage: Readonly<Record<string, unknown>>): TokenCounts | undefined {
  const counts = { input: 0, output: 0, cacheRead: 0, cacheCreation: 0, reasoning: 0 }
  let isCounted = false
  for (const [name, value] of Object.entries(usage)) {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) continue
    const isCacheCreation = /cache_(?:creation|write)/.test(name)
    const isCacheRead = !isCacheCreation && /cache/.test(name)
    const isOutput = /^(?:output|completion)/i.test(name)
    if (!isOutput && !isCacheCreation && !isCacheRead && !/^(?:input|prompt)/i.test(name)) continue
    isCounted = true
    counts[isOutput ? 'output' : 'input'] += value
    if (isCacheCreation) counts.cacheCreation += value
    if (isCacheRead) counts.cacheRead += value
    if (isOutput && /reasoning/.test(name)) counts.reasoning += value
  }
  return isCounted ? counts : undefined
}

function errorOf(
  attributes: Attributes,
  metadata: MirroredObservation['metadata'],
): MirroredObservation['error'] {
  if (attributes[`${OBSERVATION}.level`] !== 'ERROR') return undefined
  const message = text(attributes[`${OBSERVATION}.status_message`])
  const statusCode = integer(metadata('statusCode'))
  const end = metadata('end')
  const type =
    (statusCode !== undefined && statusCode >= 400 ? String(statusCode) : undefined) ??
    (end !== 'completed' ? end : undefined) ??
    /^(\w*(?:Error|Exception))\b/.exec(message ?? '')?.[1] ??
    '_OTHER'
  return { type, message }
}

function servedBy(span: ReadableSpan, metadata: MirroredObservation['metadata']): ServedRequest | undefined {
  const { method } = span as ReadableSpan & Partial<Pick<RootSpan, 'method'>>
  if (method === undefined) return undefined
  // The path is read from what a mask has seen, never from the request itself.
  const input = fields(parsed(span.attributes[`${OBSERVATION}.input`]))
  return {
    method,
    path: metadata('path') ?? text(input.path),
    route: metadata('route'),
    statusCode: integer(metadata('statusCode')),
    userAgent: metadata('userAgent'),
  }
}
