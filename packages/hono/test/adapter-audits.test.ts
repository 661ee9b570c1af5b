import type { AddressInfo } from 'node:net'
import { type ServerType, serve } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { langfuseMiddleware, traceRoute } from '@langfuse-middleware/hono'
import { adapterAudits, auditRoutes, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import { Hono, type MiddlewareHandler } from 'hono'

let recorder: Recorder
let server: ServerType

beforeAll(async () => {
  recorder = recordTraces({ environment: 'audit' })
  const app = new Hono()
  app.onError((_error, c) => c.json({}, 500))
  app.use(langfuseMiddleware())
  for (const { method, path, options, before, handle } of auditRoutes) {
    const own: MiddlewareHandler[] = options === undefined ? [] : [traceRoute(options)]
    if (before !== undefined) {
      own.push((_c, next) => new Promise((resolve, reject) => before(() => next().then(resolve, reject))))
      own.push(traceRoute())
    }
    app.on(method, [path], ...own, async c => {
      const { incoming, outgoing } = c.env as { incoming: never; outgoing: never }
      const call = { trace: c.get('langfuse'), request: incoming, response: outgoing, takeOver() {} }
      const reply = await handle(call)
      return reply === undefined
        ? RESPONSE_ALREADY_SENT
        : c.json(reply.body as object, (reply.status ?? 200) as 200)
    })
  }
  await new Promise<AddressInfo>(resolve => {
    server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, resolve)
  })
})

afterAll(async () => {
  if ('closeAllConnections' in server) server.closeAllConnections()
  server.close()
  await recorder.close()
})

it.each(adapterAudits.map(audit => [audit.name, audit] as const))('%s', async (_name, audit) => {
  await audit.run({ port: (server.address() as AddressInfo).port, recorder })
})
