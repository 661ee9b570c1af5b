import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import { langfuseMiddleware, traceRoute } from '@langfuse-middleware/koa'
import { adapterAudits, auditRoutes, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import type { Middleware } from 'koa'
import { koaVersions } from './koa-versions.ts'

// The README says why this adapter does not pass the others.
const audits = adapterAudits.filter(({ id }) => !['compressed'].includes(id))

const authenticate =
  (id: string): Middleware =>
  (ctx, next) => {
    ctx.state.user = { id }
    return next()
  }

// Before langfuseMiddleware, as its README says of middleware that compresses.
const compress: Middleware = async (ctx, next) => {
  await next()
  if (!auditRoutes.some(({ compresses, path }) => compresses && path === ctx.path)) return
  const { type } = ctx
  ctx.body = gzipSync(JSON.stringify(ctx.body))
  ctx.type = type
  ctx.set('content-encoding', 'gzip')
}

describe.each(koaVersions)('%s', (_version, Koa) => {
  let recorder: Recorder
  let server: ReturnType<InstanceType<typeof Koa>['listen']>

  beforeAll(async () => {
    recorder = recordTraces({ environment: 'audit' })
    const app = new Koa()
    app.silent = true
    app.use(compress)
    app.use(langfuseMiddleware())
    const router = new Router()
    for (const route of auditRoutes) {
      const { method, path, options, before, handle } = route
      const own: Middleware[] = options === undefined ? [] : [traceRoute(options)]
      if (route.mountsAgain) own.push(langfuseMiddleware())
      if (route.parsesBody) own.push(bodyParser() as Middleware)
      if (route.userId !== undefined) own.push(authenticate(route.userId))
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
        ctx.body = reply.stream ?? reply.body
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

  it.each(audits.map(audit => [audit.name, audit] as const))('%s', async (_name, audit) => {
    await audit.run({ port: (server.address() as AddressInfo).port, recorder })
  })
})
