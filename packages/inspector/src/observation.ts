import { attributeName } from './attribute-name.ts'
import type { Attributes, AttributeValue, OtlpSpan, SpanEvent, SpanLink } from './otlp-span.ts'
import { countTokens, type Details, parseDetails, type Tokens, totalCost } from './usage.ts'

/** Langfuse's levels, mildest first. */
export const levels = ['DEBUG', 'DEFAULT', 'WARNING', 'ERROR'] as const

/** How an observation went. */
export type Level = (typeof levels)[number]

/** One span, read the way the Langfuse server reads it. */
export interface Observation {
  id: string
  traceId: string
  /** Absent on a root. */
  parentId?: string
  /** True where the span names a parent that has not arrived, or that is its own descendant. */
  orphan: boolean
  /** In order of start. */
  children: Observation[]
  name: string
  /** `span`, `generation`, `retriever`, `tool` … */
  type: string
  level: Level
  statusMessage?: string
  startTimeMs: number
  endTimeMs: number
  durationMs: number
  completionStartTimeMs?: number
  /** Parsed where it is a JSON object or array, else the string as sent. */
  input?: unknown
  /** Parsed where it is a JSON object or array, else the string as sent. */
  output?: unknown
  /** Of the observation and of the trace, unflattened one level; values parsed like `input`. */
  metadata: Record<string, unknown>
  model?: string
  modelParameters?: unknown
  usage: Details
  tokens: Tokens
  costDetails: Details
  /** US dollars. */
  cost: number
  prompt?: { name: string; version?: number }
  userId?: string
  sessionId?: string
  tags: string[]
  environment: string
  release?: string
  version?: string
  /** The instrumentation scope, such as `langfuse-sdk`. */
  scope: string
  /** Every attribute of the span, as sent. */
  attributes: Attributes
  resource: Attributes
  events: SpanEvent[]
  links: SpanLink[]
}

/** Reads a span as an observation without relatives: the trace adds `children` and `orphan`. */
export function toObservation(span: OtlpSpan): Observation {
  const { attributes, resource } = span
  const string = (...names: string[]): string | undefined => firstString(attributes, names)
  const json = (...names: string[]): unknown => parseJson(string(...names))
  const model = string(attributeName.observationModel, 'gen_ai.response.model', 'gen_ai.request.model')
  const usage = parseDetails(json(attributeName.observationUsageDetails) ?? genAiUsage(attributes))
  const costDetails = parseDetails(
    json(attributeName.observationCostDetails) ?? { total: attributes['gen_ai.usage.cost'] },
  )
  const promptName = string(attributeName.observationPromptName)
  const promptVersion = Number(attributes[attributeName.observationPromptVersion] ?? Number.NaN)
  const completionStart = Date.parse(
    String(json(attributeName.observationCompletionStartTime)).replaceAll('"', ''),
  )
  return {
    id: span.spanId,
    traceId: span.traceId,
    ...defined({ parentId: span.parentSpanId }),
    orphan: false,
    children: [],
    name: span.name,
    type:
      string(attributeName.observationType)?.toLowerCase() ?? (model === undefined ? 'span' : 'generation'),
    level: readLevel(span),
    ...defined({
      statusMessage: string(attributeName.observationStatusMessage) ?? (span.status.message || undefined),
    }),
    startTimeMs: span.startTimeMs,
    endTimeMs: span.endTimeMs,
    durationMs: Math.max(0, span.endTimeMs - span.startTimeMs),
    ...defined({
      completionStartTimeMs: Number.isNaN(completionStart) ? undefined : completionStart,
      input: json(attributeName.observationInput, 'gen_ai.input.messages', 'gen_ai.prompt'),
      output: json(attributeName.observationOutput, 'gen_ai.output.messages', 'gen_ai.completion'),
      model,
      modelParameters: json(attributeName.observationModelParameters),
    }),
    metadata: {
      ...readMetadata(attributes, attributeName.traceMetadata),
      ...readMetadata(attributes, attributeName.observationMetadata),
    },
    usage,
    tokens: countTokens(usage),
    costDetails,
    cost: totalCost(costDetails),
    ...defined({
      prompt:
        promptName === undefined
          ? undefined
          : {
              name: promptName,
              ...defined({ version: Number.isNaN(promptVersion) ? undefined : promptVersion }),
            },
      userId: string(attributeName.traceUserId, attributeName.traceCompatUserId),
      sessionId: string(attributeName.traceSessionId, attributeName.traceCompatSessionId),
    }),
    tags: readTags(attributes[attributeName.traceTags]),
    environment:
      string(attributeName.environment) ??
      firstString(resource, [
        attributeName.environment,
        'deployment.environment.name',
        'deployment.environment',
      ]) ??
      'default',
    ...defined({
      release: string(attributeName.release) ?? firstString(resource, [attributeName.release]),
      version: string(attributeName.version) ?? firstString(resource, ['service.version']),
    }),
    scope: span.scope,
    attributes,
    resource,
    events: span.events,
    links: span.links,
  }
}

/** Parses a JSON object or array; any other text stays text, because a sender leaves strings unquoted. */
export function parseJson(text: string | undefined): unknown {
  if (text === undefined || !/^\s*[[{]/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Leaves out what is `undefined`, so that absent values are absent keys. */
export function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

function readLevel(span: OtlpSpan): Level {
  const sent = String(span.attributes[attributeName.observationLevel] ?? '').toUpperCase()
  return levels.find(level => level === sent) ?? (span.status.code === 2 ? 'ERROR' : 'DEFAULT')
}

function readMetadata(attributes: Attributes, prefix: string): Record<string, unknown> {
  const entries = Object.entries(attributes).flatMap(([key, value]): [string, unknown][] => {
    const parsed = typeof value === 'string' ? parseJson(value) : value
    if (key.startsWith(`${prefix}.`)) return [[key.slice(prefix.length + 1), parsed]]
    if (key !== prefix) return []
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
    return isObject ? Object.entries(parsed) : [['metadata', parsed]]
  })
  return Object.fromEntries(entries)
}

function readTags(value: AttributeValue | undefined): string[] {
  const parsed = typeof value === 'string' ? parseJson(value) : value
  if (Array.isArray(parsed)) return parsed.filter(tag => typeof tag === 'string')
  if (typeof parsed !== 'string') return []
  return parsed
    .split(',')
    .map(tag => tag.trim())
    .filter(tag => tag !== '')
}

function genAiUsage(attributes: Attributes): Record<string, unknown> {
  return {
    input: attributes['gen_ai.usage.input_tokens'] ?? attributes['gen_ai.usage.prompt_tokens'],
    output: attributes['gen_ai.usage.output_tokens'] ?? attributes['gen_ai.usage.completion_tokens'],
    total: attributes['gen_ai.usage.total_tokens'],
  }
}

function firstString(attributes: Attributes, names: string[]): string | undefined {
  for (const name of names) {
    const value = attributes[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}
