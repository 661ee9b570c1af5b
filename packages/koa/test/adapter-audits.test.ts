import type { AddressInfo } from 'node:net'
import Router from '@koa/router'
import { langfuseMiddleware, traceRoute } from '@langfuse-middleware/koa'
import { adapterAudits, auditRoutes, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import type { Middleware } from 'koa'
import { koaVersions } from './koa-versions.ts'

describe.each(koaVersions)('%s', (_version, Koa) => {
  let recorder: Recorder
  let server: ReturnType<InstanceType<typeof Koa>['listen']>

  beforeAll(async () => {
    recorder = recordTraces({ environment: 'audit' })
    const app = new Koa()
    app.silent = true
    app.use(langfuseMiddleware())
    const router = new Router()
    for (const { method, path, options, before, handle } of auditRoutes) {
      const own: Middleware[] = options === undefined ? [] : [traceRoute(options)]
      if (before !== undefined) {
        own.push((_ctx, next) => new Promise((resolve, reject) => before(() => next().then(resolve, reject))))
        own.push(traceRoute())
      }
      const handler: Middleware = async ctx => {
        const takeOver = () => {
          ctx.respond = false
          ctx.res.statusCode = 200
        }
        const reply = await handle({ trace: ctx.langfuse, request: ctx.req, response: ctx.res, takeOver })
        if (reply === undefined) return
        ctx.status = reply.status ?? 200
        ctx.body = reply.body
      }
      const define: (path: string, ...middleware: Middleware[]) => unknown =
        method === 'GET' ? router.get.bind(router) : router.post.bind(router)
      define(path, ...own, handler)
    }
    app.use(router.routes() as Middleware)
    server = app.listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
  })

  afterAll(async () => {
    server.closeAllConnections()
    server.close()
    await recorder.close()
  })

  it.each(adapterAudits.map(audit => [audit.name, audit] as const))('%s', async (_name, audit) => {
    await audit.run({ port: (server.address() as AddressInfo).port, recorder })
  })
})
