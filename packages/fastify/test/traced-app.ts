import type { AddressInfo } from 'node:net'
import langfusePlugin, { type LangfusePluginOptions } from '@langfuse-middleware/fastify'
import type { RecordedObservation, Recorder } from '@langfuse-middleware/testing'
import type fastify from 'fastify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'

/** A listening application whose requests are traced, and a way to call it that returns the answer with the root it left. */
export interface TracedApp {
  readonly app: FastifyInstance
  readonly port: number
  call(
    path: string,
    init?: RequestInit,
  ): Promise<{ status: number; headers: Headers; text: string; root: RecordedObservation }>
}

let serial = 0

/** An application that `define` gives its routes, below the plugin. */
export async function tracedApp(
  create: typeof fastify,
  recorder: Recorder,
  define: (app: FastifyInstance) => unknown,
  {
    options = {},
    server = {},
  }: { options?: LangfusePluginOptions; server?: FastifyServerOptions & { http2?: true } } = {},
): Promise<TracedApp> {
  const app = create({ forceCloseConnections: true, ...server } as FastifyServerOptions) as FastifyInstance
  await app.register(langfusePlugin, options)
  await define(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  return {
    app,
    port,
    async call(path, init = {}) {
      serial += 1
      const id = `request-${serial}`
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        ...init,
        headers: { 'x-request-id': id, ...(init.headers as Record<string, string> | undefined) },
      })
      const text = await response.text()
      const trace = await recorder.waitFor(one => one.root?.metadata.requestId === id)
      return {
        status: response.status,
        headers: response.headers,
        text,
        root: trace.root as RecordedObservation,
      }
    },
  }
}
