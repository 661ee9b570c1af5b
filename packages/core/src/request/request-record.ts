import type { Attributes } from '@opentelemetry/api'
import type { Log } from '../basics/logger.ts'
import type { Otel } from '../basics/otel.ts'
import { writeMetadata } from '../export/observation-attributes.ts'
import type { Level, Outcome } from '../http/outcome.ts'
import type { TracingConfig } from '../options/resolve-options.ts'
import { type Annotations, NO_ANNOTATIONS } from './annotations.ts'
import type { InspectorAttributes } from './inspector-attributes.ts'
import type { RequestState } from './request-state.ts'
import { createRootAttributes, type ObservedResponse } from './root-attributes.ts'
import { keepsTrace, type TraceFigures } from './sampling-decision.ts'

/** A request that has ended: what its trace is called, how it went, who it belongs to, and whether it is kept. Frozen. */
export interface RequestRecord {
  readonly name: string
  readonly level: Level
  readonly outcome: Outcome
  /** Attributes of every observation of the trace. */
  readonly identity: Attributes
  /** Names of attributes that the app set by `request.langfuse`, which Langfuse's SDK does not change. */
  readonly fixed: ReadonlySet<string>
  /** Attributes of the root; undefined for a trace that is dropped. */
  readonly attributes: Attributes | undefined
  /** Whether the attributes hold anything that the app or a client wrote, which may be media. */
  readonly plain: boolean
  readonly sampling: 'keep' | 'drop'
}

/** Makes records of requests. No method changes the request. */
export interface RequestRecords {
  /** Attributes that every observation of a trace carries, as known now. */
  identityOf(request: RequestState): Attributes
  /** Decides on a request that has not ended. */
  decide(request: RequestState, figures: TraceFigures): 'keep' | 'drop'
  /**
   * Makes the record of a request that has ended. `decided` is the decision if one was made before the end. Attributes are left out if the
   * trace is dropped, unless `provisional`: the decision may then still change.
   */
  recordOf(
    request: RequestState,
    outcome: Outcome,
    parts: {
      readonly figures: TraceFigures
      readonly response: ObservedResponse
      readonly decided: 'keep' | 'drop' | undefined
      readonly provisional: boolean
    },
  ): RequestRecord
}

const NOTHING_FIXED: ReadonlySet<string> = new Set()

/** Creates the maker of records. */
export function createRequestRecords(
  otel: Otel,
  { version, emptyRequests, llmEntry }: Pick<TracingConfig, 'version' | 'emptyRequests' | 'llmEntry'>,
  log: Log,
  describeForInspector?: InspectorAttributes,
): RequestRecords {
  const attribute = otel.langfuse.LangfuseOtelSpanAttributes
  const rootAttributes = createRootAttributes(otel, llmEntry, log, describeForInspector)

  function identityOf(request: RequestState): Attributes {
    const { userId, sessionId, tags, annotations, outcome, start } = request
    const { metadata } = annotations
    const identity: Attributes = {}
    // The name is a column of each observation in Langfuse. Until the end it is not final.
    const name = start.joined?.claimed ? start.joined.traceName : outcome && request.name
    if (name !== undefined) identity[attribute.TRACE_NAME] = name
    if (annotations.isPublic) identity[attribute.TRACE_PUBLIC] = true
    if (userId !== undefined) identity[attribute.TRACE_USER_ID] = userId
    if (sessionId !== undefined) identity[attribute.TRACE_SESSION_ID] = sessionId
    if (tags.length > 0) identity[attribute.TRACE_TAGS] = [...tags]
    if (version !== undefined) identity[attribute.VERSION] = version
    try {
      if (metadata !== undefined) writeMetadata(identity, attribute.TRACE_METADATA, metadata)
    } catch (error) {
      log.warnOnce('update failed', `a value set on a trace is left out: ${String(error)}`)
    }
    return identity
  }

  function decide(request: RequestState, figures: TraceFigures): 'keep' | 'drop' {
    return keepsTrace(request, figures, emptyRequests, log) ? 'keep' : 'drop'
  }

  function fixedBy({ name, userId, sessionId, update, type }: Annotations): ReadonlySet<string> {
    const values: Record<string, unknown> = {
      [attribute.TRACE_NAME]: name,
      [attribute.TRACE_USER_ID]: userId,
      [attribute.TRACE_SESSION_ID]: sessionId,
      [attribute.OBSERVATION_TYPE]: type,
      [attribute.OBSERVATION_INPUT]: update?.input,
      [attribute.OBSERVATION_OUTPUT]: update?.output,
      [attribute.OBSERVATION_LEVEL]: update?.level,
      [attribute.OBSERVATION_STATUS_MESSAGE]: update?.statusMessage,
    }
    return new Set(Object.keys(values).filter(key => values[key] !== undefined))
  }

  return {
    identityOf,
    decide,
    recordOf(request, outcome, { figures, response, decided, provisional }) {
      const sampling = decided ?? decide(request, figures)
      const { annotations, start, name, level } = request
      return Object.freeze({
        name,
        level,
        outcome,
        identity: identityOf(request),
        fixed: annotations === NO_ANNOTATIONS ? NOTHING_FIXED : fixedBy(annotations),
        attributes:
          sampling === 'keep' || provisional ? rootAttributes(request, outcome, response) : undefined,
        plain:
          !annotations.metadata && !annotations.update && !response.captured && !start.asked?.config.metadata,
        sampling,
      })
    },
  }
}
