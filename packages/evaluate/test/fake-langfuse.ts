import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { Dataset, DatasetItem, DatasetRunItem } from '@langfuse/core'
import { startInspector, type Trace } from '@langfuse-middleware/inspector'

/** A Langfuse with one dataset: refuses what the real one refuses, and keeps traces and scores in an inspector. */
export interface FakeLangfuse {
  readonly url: string
  readonly env: Record<string, string>
  readonly items: DatasetItem[]
  readonly runItems: (Omit<DatasetRunItem, 'id' | 'createdAt' | 'updatedAt'> & { metadata?: unknown })[]
  traces(): readonly Trace[]
  close(): Promise<void>
}

const NOW = new Date().toISOString()
const DATASET: Dataset = {
  id: 'dataset-1',
  name: 'questions',
  description: null,
  metadata: null,
  inputSchema: null,
  expectedOutputSchema: null,
  projectId: 'project-1',
  createdAt: NOW,
  updatedAt: NOW,
}

export async function startFakeLangfuse(questions: readonly string[]): Promise<FakeLangfuse> {
  const inspector = await startInspector({ port: 0, settleMs: 20 })
  const items: DatasetItem[] = questions.map((input, index) => itemOf(`item-${index + 1}`, input))
  const runItems: FakeLangfuse['runItems'] = []
  const authorization = `Basic ${Buffer.from('pk-lf-test:sk-lf-test').toString('base64')}`

  const routes: Record<string, (body: Record<string, unknown>, url: URL) => [number, unknown]> = {
    'GET /api/public/projects': () => [200, { data: [{ id: 'project-1', name: 'p', metadata: {} }] }],
    'GET /api/public/v2/datasets/questions': () => [200, DATASET],
    'POST /api/public/v2/datasets': ({ name }) => [200, { ...DATASET, name }],
    'GET /api/public/dataset-items': (_body, url) => {
      const page = Number(url.searchParams.get('page') ?? 1)
      const limit = Number(url.searchParams.get('limit') ?? 50)
      const data = items.slice((page - 1) * limit, page * limit)
      return [
        200,
        {
          data,
          meta: { page, limit, totalItems: items.length, totalPages: Math.ceil(items.length / limit) },
        },
      ]
    },
    'POST /api/public/dataset-items': ({
      id,
      input,
      expectedOutput,
      metadata,
      datasetName,
      sourceTraceId,
    }) => {
      if (typeof datasetName !== 'string') return [400, { message: 'datasetName is required' }]
      const item = {
        ...itemOf(String(id), input),
        expectedOutput,
        metadata,
        sourceTraceId: (sourceTraceId as string) ?? null,
      }
      items.push(item)
      return [200, item]
    },
    'POST /api/public/dataset-run-items': body => {
      const { runName, datasetItemId, traceId, observationId, metadata } = body as Record<string, string>
      if (!items.some(({ id }) => id === datasetItemId)) return [404, { message: 'Dataset item not found' }]
      if (!runName || !traceId) return [400, { message: 'Invalid request data' }]
      const item = {
        datasetRunId: 'run-1',
        datasetRunName: runName,
        datasetItemId: datasetItemId!,
        traceId,
        observationId: observationId ?? null,
      }
      runItems.push({ ...item, metadata })
      return [200, { ...item, id: String(runItems.length), createdAt: NOW, updatedAt: NOW }]
    },
    'GET /api/public/traces': () => {
      const data = inspector
        .traces()
        .map(({ id, name, tags }) => ({ id, name, tags, scores: [], observations: [] }))
      return [200, { data, meta: { page: 1, limit: 50, totalItems: data.length, totalPages: 1 } }]
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://localhost')
    const body = await buffer(request)
    const send = (status: number, value: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (url.pathname === '/api/inspector') return void send(404, {})
    if (request.headers.authorization !== authorization)
      return void send(401, { message: 'Invalid credentials' })
    if (/\/(otel\/v1\/traces|ingestion)$/.test(url.pathname)) {
      // The real server inflates spans, and takes a compressed batch of scores for broken JSON.
      if (url.pathname.endsWith('ingestion') && request.headers['content-encoding'])
        return void send(400, { message: 'Invalid JSON' })
      return void (await forward(inspector.url + url.pathname, request, body, response))
    }
    const traceId = /^\/api\/public\/traces\/([0-9a-f]{32})$/.exec(url.pathname)?.[1]
    if (traceId !== undefined) {
      const trace = inspector.traces().find(({ id }) => id === traceId)
      return void (trace ? send(200, storedTrace(trace)) : send(404, { message: 'not found' }))
    }
    const route = routes[`${request.method} ${url.pathname}`]
    if (route === undefined) return void send(404, { message: `no ${request.method} ${url.pathname}` })
    send(...route(body.length > 0 ? JSON.parse(body.toString()) : {}, url))
  }

  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    env: { LANGFUSE_BASE_URL: url, LANGFUSE_PUBLIC_KEY: 'pk-lf-test', LANGFUSE_SECRET_KEY: 'sk-lf-test' },
    items,
    runItems,
    traces: () => inspector.traces(),
    async close() {
      server.closeAllConnections()
      server.close()
      await inspector.close()
    },
  }
}

function itemOf(id: string, input: unknown): DatasetItem {
  return {
    id,
    status: 'ACTIVE',
    input,
    expectedOutput: null,
    metadata: null,
    sourceTraceId: null,
    sourceObservationId: null,
    datasetId: DATASET.id,
    datasetName: DATASET.name,
    createdAt: NOW,
    updatedAt: NOW,
    mediaReferences: [],
  }
}

async function forward(url: string, request: IncomingMessage, body: Buffer, response: ServerResponse) {
  const { 'content-type': type, 'content-encoding': encoding } = request.headers
  const answer = await fetch(url, {
    method: 'POST',
    headers: { ...(type && { 'content-type': type }), ...(encoding && { 'content-encoding': encoding }) },
    body: new Uint8Array(body),
  })
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
  response.end(Buffer.from(await answer.arrayBuffer()))
}

/** A trace as `GET /api/public/traces/<id>` gives it. */
function storedTrace(trace: Trace) {
  return {
    id: trace.id,
    name: trace.name,
    tags: trace.tags,
    scores: trace.scores.map(({ name, value }) => ({ name, value, dataType: 'NUMERIC' })),
    observations: trace.observations.map(observation => ({
      id: observation.id,
      parentObservationId: observation.parentId ?? null,
      name: observation.name,
      type: observation.type.toUpperCase(),
      level: observation.level,
      statusMessage: observation.statusMessage ?? null,
      startTime: new Date(observation.startTimeMs).toISOString(),
      endTime: new Date(observation.endTimeMs).toISOString(),
      completionStartTime: null,
      input: observation.input ?? null,
      output: observation.output ?? null,
      metadata: observation.metadata,
      model: observation.model ?? null,
      usageDetails: observation.usage,
      costDetails: observation.costDetails,
    })),
  }
}
