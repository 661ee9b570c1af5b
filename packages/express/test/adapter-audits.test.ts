import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'
import { langfuseErrorHandler, langfuseMiddleware, traceRoute } from '@langfuse-middleware/express'
import { adapterAudits, auditRoutes, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import compression from 'compression'
import type { RequestHandler } from 'express'
import { expressVersions } from './express-versions.ts'

const authenticate =
  (id: string): RequestHandler =>
  (request, _response, next) => {
    Object.assign(request, { user: { id } })
    next()
  }

describe.each(expressVersions)('%s', (version, express) => {
  let recorder: Recorder
  let server: ReturnType<ReturnType<typeof express>['listen']>

  beforeAll(async () => {
    recorder = recordTraces({ environment: 'audit' })
    const app = express()
    app.set('env', 'test')
    app.use(langfuseMiddleware())
    for (const route of auditRoutes) {
      const { method, path, options, before, handle } = route
      const own: RequestHandler[] = options === undefined ? [] : [traceRoute(options)]
      if (route.mountsAgain) own.push(langfuseMiddleware())
      if (route.compresses) own.push(compression({ threshold: 0 }))
      if (route.parsesBody) own.push(express.json())
      if (route.userId !== undefined) own.push(authenticate(route.userId))
      // Express 5.3 needs no second middleware.
      if (before !== undefined) own.push((_request, _response, next) => before(next))
      if (before !== undefined && version !== 'Express 5.3') own.push(traceRoute())
      app[method === 'GET' ? 'get' : 'post'](path, ...own, (request, response, next) => {
        const outcome = handle({ trace: request.langfuse, request, response, takeOver() {} })
        Promise.resolve(outcome).then(reply => {
          if (reply?.stream !== undefined) pipeline(reply.stream, response, () => {})
          else if (reply !== undefined) response.status(reply.status ?? 200).json(reply.body)
        }, next)
      })
    }
    app.use(langfuseErrorHandler())
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
