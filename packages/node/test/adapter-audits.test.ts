import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'
import { text } from 'node:stream/consumers'
import {
  langfuseErrorHandler,
  langfuseMiddleware,
  traceListener,
  traceRoute,
} from '@langfuse-middleware/node'
import {
  type AuditRoute,
  adapterAudits,
  auditRoutes,
  type Recorder,
  recordTraces,
} from '@langfuse-middleware/testing'
import compression from 'compression'
import connect from 'connect'
import polka from 'polka'

const routes = auditRoutes.map(({ path }) => path)

/** Answers by the route that fits, and passes what it throws to `next`. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url as string).split('?', 1)[0] as string
  const route = auditRoutes.find(one => new RegExp(`^${one.path.replace(':id', '[^/]+')}$`).test(path))
  if (route?.parsesBody) Object.assign(request, { body: JSON.parse(await text(request)) })
  if (route?.userId !== undefined) Object.assign(request, { user: { id: route.userId } })
  if (route?.compresses) compression({ threshold: 0 })(request as never, response as never, () => {})
  const reply = route === undefined ? { status: 404, body: {} } : await handled(route, request, response)
  if (reply === undefined) return
  response.statusCode = reply.status ?? 200
  if (reply.stream !== undefined) return void pipeline(reply.stream, response, () => {})
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(reply.body))
}

function handled(route: AuditRoute, request: IncomingMessage, response: ServerResponse) {
  const handle = () => route.handle({ trace: request.langfuse, request, response, takeOver() {} })
  const again = () =>
    (route.mountsAgain ? langfuseMiddleware()(request, response, handle) : handle()) as ReturnType<
      typeof handle
    >
  const configured = () => traceRoute(route.options)(request, response, again) as ReturnType<typeof handle>
  const { before } = route
  if (before === undefined) return configured()
  return new Promise<Awaited<ReturnType<typeof handle>>>((resolve, reject) =>
    before(() => Promise.resolve(configured()).then(resolve, reject)),
  )
}

const servers: Record<string, () => Server> = {
  'node:http': () => {
    const listener = traceListener(answer, { routes })
    // An app's own boundary for errors, which the listener passes on.
    return createServer(async (request, response) => {
      try {
        await listener(request, response)
      } catch {
        response.writeHead(500).end()
      }
    })
  },
  Connect: () => {
    const app = connect()
    app.use(langfuseMiddleware({ routes }))
    app.use((request, response, next) => void answer(request, response).catch(next))
    app.use(langfuseErrorHandler() as connect.ErrorHandleFunction)
    return createServer(app)
  },
  polka: () => {
    const onError = (error: Error, request: IncomingMessage, response: ServerResponse) =>
      langfuseErrorHandler()(error, request, response, () => response.writeHead(500).end())
    const app = polka({ onError, onNoMatch: answer } as object)
    app.use(langfuseMiddleware({ routes }))
    app.get('/users/:id', (request, response, next) => void answer(request, response).catch(next))
    app.use((request, response, next) => void answer(request, response).catch(next))
    return createServer(app.handler as RequestListener)
  },
}

describe.each(Object.entries(servers))('%s', (_name, create) => {
  let recorder: Recorder
  let server: Server

  beforeAll(async () => {
    recorder = recordTraces({ environment: 'audit' })
    server = create().listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
  })

  afterAll(async () => {
    server.closeAllConnections()
    server.close()
    await recorder.close()
  })

  it.each(adapterAudits.map(audit => [audit.name, audit] as const))('%s', async (_audit, audit) => {
    await audit.run({ port: (server.address() as AddressInfo).port, recorder })
  })
})
