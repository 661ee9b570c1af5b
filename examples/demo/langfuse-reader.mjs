import { LangfuseOtelSpanAttributes as attribute } from '@langfuse/core'

const fields = 'core,basic,time,io,metadata,model,usage,trace_context'

/**
 * Reads the traces of one session back from Langfuse and hands them to the inspector, which shows and checks them.
 * @param {NodeJS.ProcessEnv} env
 * @param {{ sessionId: string, inspectorUrl: string }} options
 */
export function createLangfuseReader(env, { sessionId, inspectorUrl }) {
  const url = env.LANGFUSE_BASE_URL ?? env.LANGFUSE_HOST ?? 'https://cloud.langfuse.com'
  const keys = Buffer.from(`${env.LANGFUSE_PUBLIC_KEY}:${env.LANGFUSE_SECRET_KEY}`).toString('base64')
  const query = new URLSearchParams({
    sessionId,
    fields,
    limit: '1000',
    fromStartTime: new Date(Date.now() - 60_000).toISOString(),
  })

  return {
    url,
    async read() {
      const response = await fetch(`${url}/api/public/v2/observations?${query}`, {
        headers: { authorization: `Basic ${keys}` },
      })
      if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
      const { data } = /** @type {{ data: Observation[] }} */ (await response.json())
      await fetch(`${inspectorUrl}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          resourceSpans: [{ scopeSpans: [{ scope: { name: 'langfuse-sdk' }, spans: data.map(toSpan) }] }],
        }),
      })
    },
  }
}

/** @typedef {import('@langfuse/core').ObservationV2} Observation */

/** Undoes what Langfuse did with a span. @param {Observation} observation */
function toSpan(observation) {
  const values = {
    [attribute.OBSERVATION_TYPE]: observation.type.toLowerCase(),
    [attribute.OBSERVATION_LEVEL]: observation.level,
    [attribute.OBSERVATION_STATUS_MESSAGE]: observation.statusMessage,
    [attribute.OBSERVATION_INPUT]: observation.input,
    [attribute.OBSERVATION_OUTPUT]: observation.output,
    [attribute.OBSERVATION_METADATA]: observation.metadata,
    [attribute.OBSERVATION_MODEL]: observation.model,
    [attribute.OBSERVATION_USAGE_DETAILS]: observation.usageDetails,
    [attribute.OBSERVATION_COST_DETAILS]: observation.costDetails,
    [attribute.TRACE_NAME]: observation.traceName,
    [attribute.TRACE_USER_ID]: observation.userId,
    [attribute.TRACE_SESSION_ID]: observation.sessionId,
    [attribute.TRACE_TAGS]: observation.tags,
    [attribute.ENVIRONMENT]: observation.environment,
    [attribute.RELEASE]: observation.release,
    [attribute.VERSION]: observation.version,
  }
  return {
    traceId: observation.traceId,
    spanId: observation.id,
    parentSpanId: observation.parentObservationId ?? '',
    name: observation.name ?? '',
    startTimeUnixNano: nanoseconds(observation.startTime),
    endTimeUnixNano: nanoseconds(observation.endTime ?? observation.startTime),
    attributes: Object.entries(values)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([key, value]) => ({ key, value: { stringValue: textOf(value) } })),
  }
}

/** @param {unknown} value */
function textOf(value) {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** @param {string} time */
function nanoseconds(time) {
  return `${Date.parse(time)}000000`
}
