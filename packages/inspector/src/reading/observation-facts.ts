import type { OtlpSpan } from '../otlp/otlp-span.ts'
import { attributeName } from './attribute-name.ts'
import { defined, firstString, firstValue, genAiCost, readTags } from './attribute-reading.ts'
import { readName, readType } from './observation-type.ts'
import { noPrices, type PriceOf } from './price-of.ts'
import { countTokens, type Details, parseDetails, type Tokens, totalCost } from './usage.ts'
import { readUsage } from './usage-attributes.ts'

/** Langfuse's levels, mildest first. */
export const levels = ['DEBUG', 'DEFAULT', 'WARNING', 'ERROR'] as const

/** How an observation went. */
export type Level = (typeof levels)[number]

const modelNames = [
  attributeName.observationModel,
  'gen_ai.response.model',
  'ai.model.id',
  'gen_ai.request.model',
  'llm.response.model',
  'llm.model_name',
]
const userNames = [attributeName.traceCompatUserId, attributeName.traceUserId, 'ai.telemetry.metadata.userId']
const sessionNames = [
  attributeName.traceCompatSessionId,
  attributeName.traceSessionId,
  'gen_ai.conversation.id',
  'ai.telemetry.metadata.sessionId',
]

// An agent or a span may repeat the usage of the calls below it.
const pricedTypes = new Set(['generation', 'embedding'])

/** What a list or a tree shows of an observation: everything but payloads, whose parsing takes time. */
export interface ObservationFacts {
  id: string
  traceId: string
  /** Absent on a root. */
  parentId?: string
  name: string
  /** `span`, `generation`, `retriever`, `tool` … */
  type: string
  level: Level
  statusMessage?: string
  startTimeMs: number
  endTimeMs: number
  durationMs: number
  completionStartTimeMs?: number
  model?: string
  usage: Details
  tokens: Tokens
  costDetails: Details
  /** US dollars. */
  cost: number
  /** True if the cost was computed from a price table, because the sender gave none. */
  costEstimated?: true
  prompt?: { name: string; version?: number }
  userId?: string
  sessionId?: string
  tags: string[]
  environment: string
  release?: string
  version?: string
  /** The resource's `service.name`. */
  service?: string
}

/** Reads a span the way the Langfuse server does, but for its payloads. */
export function readFacts(span: OtlpSpan, priceOf: PriceOf = noPrices): ObservationFacts {
  const { attributes, resource } = span
  const string = (...names: string[]): string | undefined => firstString(attributes, names)
  const json = (...names: string[]): unknown => firstValue(attributes, names)
  const model = firstString(attributes, modelNames)
  const usage = readUsage(span)
  const type = readType(span)
  const sentCost = json(attributeName.observationCostDetails) ?? genAiCost(attributes)
  const estimated =
    sentCost === undefined && model !== undefined && pricedTypes.has(type) ? priceOf(model, usage) : undefined
  const costDetails = estimated ?? parseDetails(sentCost)
  const promptName = string(attributeName.observationPromptName)
  const promptVersion = Number(attributes[attributeName.observationPromptVersion] ?? Number.NaN)
  const completionStartTimeMs = readCompletionStart(span)
  return {
    id: span.spanId,
    traceId: span.traceId,
    name: readName(span),
    type,
    level: readLevel(span),
    startTimeMs: span.startTimeMs,
    endTimeMs: span.endTimeMs,
    durationMs: Math.max(0, span.endTimeMs - span.startTimeMs),
    usage,
    tokens: countTokens(usage),
    costDetails,
    cost: totalCost(costDetails),
    tags: readTags(attributes[attributeName.traceTags] ?? attributes['ai.telemetry.metadata.tags']),
    environment:
      string(attributeName.environment) ??
      firstString(resource, [
        attributeName.environment,
        'deployment.environment.name',
        'deployment.environment',
      ]) ??
      'default',
    ...defined({
      parentId: span.parentSpanId,
      statusMessage: string(attributeName.observationStatusMessage) ?? (span.status.message || undefined),
      completionStartTimeMs,
      costEstimated: estimated && (true as const),
      model,
      prompt:
        promptName === undefined
          ? undefined
          : {
              name: promptName,
              ...defined({ version: Number.isNaN(promptVersion) ? undefined : promptVersion }),
            },
      userId: firstString(attributes, userNames),
      sessionId: firstString(attributes, sessionNames),
      release: string(attributeName.release) ?? firstString(resource, [attributeName.release]),
      version: string(attributeName.version) ?? firstString(resource, ['service.version']),
      service: firstString(resource, ['service.name']),
    }),
  }
}

/** Milliseconds since the epoch at which the first token came. */
function readCompletionStart({ attributes, startTimeMs }: OtlpSpan): number | undefined {
  const sent = firstString(attributes, [attributeName.observationCompletionStartTime])
  const time = Date.parse(sent?.replaceAll('"', '') ?? '')
  if (!Number.isNaN(time)) return time
  const first = attributes['ai.response.msToFirstChunk'] ?? attributes['ai.stream.msToFirstChunk']
  return typeof first === 'number' ? startTimeMs + Math.ceil(first) : undefined
}

function readLevel(span: OtlpSpan): Level {
  const sent = String(span.attributes[attributeName.observationLevel] ?? '').toUpperCase()
  return levels.find(level => level === sent) ?? (span.status.code === 2 ? 'ERROR' : 'DEFAULT')
}
