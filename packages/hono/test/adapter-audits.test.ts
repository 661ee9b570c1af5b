import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { type ServerType, serve } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { langfuseMiddleware, traceRoute } from '@langfuse-middleware/hono'
import { adapterAudits, auditRoutes, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import { Hono, type MiddlewareHandler } from 'hono'
import { compress } from 'hono/compress'

// The README says why this adapter does not pass the others.
const audits = adapterAudits.filter(({ id }) => !['compressed', 'sent-broken-stream'].includes(id))

const authenticate =
  (id: string): MiddlewareHandler =>
  (c, next) => {
    c.set('user' as never, { id } as never)
    return next()
  }

let recorder: Recorder
let server: ServerType

beforeAll(async () => {
  recorder = recordTraces({ environment: 'audit' })
  const app = new Hono()
  app.onError((_error, c) => c.json({}, 500))
  app.use(langfuseMiddleware())
  for (const route of auditRoutes) {
    const { method, path, options, before, handle } = route
    const own: MiddlewareHandler[] = options === undefined ? [] : [traceRoute(options)]
    if (route.mountsAgain) own.push(langfuseMiddleware())
    if (route.compresses) own.push(compress({ threshold: 0 }))
    if (route.userId !== undefined) own.push(authenticate(route.userId))
    if (before !== undefined) {
      own.push((_c, next) => new Promise((resolve, reject) => before(() => next().then(resolve, reject))))
      own.push(traceRoute())
    }
    app.on(method, [path], ...own, async c => {
      const { incoming, outgoing } = c.env as { incoming: never; outgoing: never }
      // Hono has no parser in front of a handler; what one reads of the body is kept in the context.
      if (route.parsesBody) await c.req.json()
      const call = { trace: c.get('langfuse'), request: incoming, response: outgoing, takeOver() {} }
      const reply = await handle(call)
      if (reply?.stream !== undefined) return c.body(Readable.toWeb(reply.stream) as ReadableStream)
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

it.each(audits.map(audit => [audit.name, audit] as const))('%s', async (_name, audit) => {
  await audit.run({ port: (server.address() as AddressInfo).port, recorder })
})
