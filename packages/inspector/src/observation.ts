import { attributeName } from './attribute-name.ts'
import { defined, firstString, firstValue, genAiUsage, readMetadata, readTags } from './attribute-reading.ts'
import type { Attributes, OtlpSpan, SpanEvent, SpanLink } from './otlp-span.ts'
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
  const json = (...names: string[]): unknown => firstValue(attributes, names)
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

function readLevel(span: OtlpSpan): Level {
  const sent = String(span.attributes[attributeName.observationLevel] ?? '').toUpperCase()
  return levels.find(level => level === sent) ?? (span.status.code === 2 ? 'ERROR' : 'DEFAULT')
}
