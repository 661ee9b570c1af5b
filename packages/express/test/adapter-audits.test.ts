import type { AddressInfo } from 'node:net'
import { langfuseErrorHandler, langfuseMiddleware, traceRoute } from '@langfuse-middleware/express'
import { adapterAudits, auditRoutes, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import type { RequestHandler } from 'express'
import { expressVersions } from './express-versions.ts'

describe.each(expressVersions)('%s', (version, express) => {
  let recorder: Recorder
  let server: ReturnType<ReturnType<typeof express>['listen']>

  beforeAll(async () => {
    recorder = recordTraces({ environment: 'audit' })
    const app = express()
    app.set('env', 'test')
    app.use(langfuseMiddleware())
    for (const { method, path, options, before, handle } of auditRoutes) {
      const own: RequestHandler[] = options === undefined ? [] : [traceRoute(options)]
      // Express 5.3 needs no second middleware.
      if (before !== undefined) own.push((_request, _response, next) => before(next))
      if (before !== undefined && version !== 'Express 5.3') own.push(traceRoute())
      app[method === 'GET' ? 'get' : 'post'](path, ...own, (request, response, next) => {
        const outcome = handle({ trace: request.langfuse, request, response, takeOver() {} })
        Promise.resolve(outcome).then(reply => {
          if (reply !== undefined) response.status(reply.status ?? 200).json(reply.body)
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
