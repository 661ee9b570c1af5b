import { RequestError } from '../basics/request-error.ts'
import type { OtlpSpan } from '../otlp/otlp-span.ts'
import { type OriginalRequest, readRequest } from '../reading/http-request.ts'
import { toObservation } from '../reading/observation.ts'
import { readTurn } from '../reading/turn.ts'
import type { DatasetFiles, DatasetItem } from '../store/dataset-files.ts'
import type { TraceParts } from '../store/trace-entry.ts'
import type { TraceStore } from '../store/trace-store.ts'
import { json } from './reply.ts'
import { readObject } from './request-json.ts'
import type { Route } from './route.ts'

/** What the routes share. */
export interface LoopContext {
  store: TraceStore
  datasets: DatasetFiles
  maxBodyBytes: number
}

/** What comes after looking: the words of a conversation, and items of datasets. */
export function createLoopRoutes({ store, datasets, maxBodyBytes }: LoopContext): Route[] {
  return [
    {
      path: /^\/api\/traces\/([0-9a-f]{32})\/turn$/i,
      methods: {
        GET: (_request, match) => {
          const { ended, running } = partsOf(store, match[1]!)
          const spans = [...ended, ...running]
          return json(200, readTurn(rootOf(spans), spans))
        },
      },
    },
    {
      path: /^\/api\/traces\/([0-9a-f]{32})\/dataset$/i,
      methods: {
        POST: async (request, match) => {
          const { dataset, withOutput } = await readObject(request, maxBodyBytes)
          const id = match[1]!.toLowerCase()
          const { item, remark } = toItem(store, id, withOutput === true)
          const path = await datasets.append(String(dataset), item)
          return json(200, { path, item, ...(remark && { remark }) })
        },
      },
    },
    {
      path: /^\/api\/datasets$/,
      methods: { GET: async () => json(200, { datasets: await datasets.list() }) },
    },
  ]
}

function toItem(store: TraceStore, id: string, withOutput: boolean): { item: DatasetItem; remark?: string } {
  const { ended } = partsOf(store, id)
  const root = rootOf(ended)
  if (!root) throw new RequestError(409, 'the root of this trace has not ended yet')
  const observation = toObservation(root)
  const request = readRequest(store.summary(id)!, observation)
  const { method, path, headers, query, body } = request
  const parameters = queryOf(query)
  const item: DatasetItem = {
    id,
    input: {
      method,
      path,
      ...(Object.keys(headers).length > 0 && { headers }),
      ...(Object.keys(parameters).length > 0 && { query: parameters }),
      ...(body.kind === 'captured' && { body: body.value }),
    },
    ...(withOutput && observation.output !== undefined && { expectedOutput: observation.output }),
    metadata: { traceId: id, name: store.summary(id)!.name },
  }
  return { item, ...remarkOn(request) }
}

function remarkOn({ body }: OriginalRequest): { remark?: string } {
  return body.kind === 'unknown'
    ? { remark: 'its body was not captured (option capture.requestBody): add it to the file' }
    : {}
}

function queryOf(query: string): Record<string, string | string[]> {
  const parameters: Record<string, string | string[]> = {}
  const search = new URLSearchParams(query)
  for (const name of new Set(search.keys())) {
    const values = search.getAll(name)
    parameters[name] = values.length === 1 ? values[0]! : values
  }
  return parameters
}

function rootOf(spans: readonly OtlpSpan[]): OtlpSpan | undefined {
  return spans.find(span => span.parentSpanId === undefined)
}

function partsOf(store: TraceStore, id: string): TraceParts {
  const parts = store.parts(id)
  if (!parts) throw new RequestError(404, 'no such trace')
  return parts
}
