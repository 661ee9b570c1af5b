import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { createRequestTracer } from '@langfuse-middleware/core/adapter'
import { type AuditReply, type AuditRoute, auditRoutes } from '@langfuse-middleware/testing'

type Traced = ReturnType<ReturnType<typeof createRequestTracer>['start']>
type UserRequest = IncomingMessage & { body?: unknown; user?: { id: string } }

/** One thing that an adapter does wrong. */
export type Mistake =
  | 'adds a listener to the socket for each request'
  | 'copies the request'
  | 'cuts a user id that is too long'
  | 'does not run the handler in the context of the request'
  | 'does not bind the listeners of request and response'
  | 'ends a trace as completed, whatever happened'
  | 'ends a trace before the handler runs'
  | 'gives the handler a trace without effect'
  | 'has no options for routes'
  | 'ignores that a route opts out'
  | 'keeps a trace open for ever'
  | 'loses the context behind a middleware'
  | 'names a trace by the path'
  | 'reads a user from baggage'
  | 'reports every response as a failure'
  | 'reports every response as a success'
  | 'shares one context between requests'
  | 'shows no payload before it is compressed'
  | 'starts a second trace if it is mounted twice'
  | 'swallows the error of a handler'

/** Serves `auditRoutes` by node:http through an adapter that is right but for `mistake`. */
export function serveAudits(mistake?: Mistake): Server {
  const tracer = createRequestTracer()
  let shared: Traced | undefined

  return createServer((request: UserRequest, response) => {
    const path = new URL(request.url as string, 'http://host').pathname
    const route = auditRoutes.find(one => matches(one, request.method, path))
    const options = route?.options
    if (mistake === 'cuts a user id that is too long')
      request.headers['x-user-id'] = String(request.headers['x-user-id'] ?? '').slice(0, 200)
    const traced = tracer.start(
      mistake === 'copies the request'
        ? { method: request.method as string, url: path, headers: {}, socket: request.socket }
        : request,
      mistake === 'has no options for routes' && options !== false
        ? undefined
        : mistake === 'ignores that a route opts out'
          ? options || undefined
          : options,
    )
    shared ??= traced
    end(traced, response, () => (mistake === 'names a trace by the path' ? path : route?.path))
    if (mistake === 'adds a listener to the socket for each request') request.socket.on('close', () => {})
    if (mistake === 'keeps a trace open for ever') tracer.start({ method: 'GET', url: '/', headers: {} })
    if (mistake === 'reads a user from baggage')
      traced.trace.setUser(/user_id=(\w+)/.exec(String(request.headers.baggage))?.[1] ?? '')
    if (mistake === 'starts a second trace if it is mounted twice' && route?.mountsAgain)
      end(tracer.start(request), response, () => route.path)
    if (mistake !== 'does not bind the listeners of request and response') {
      traced.bindEmitter(request)
      traced.bindEmitter(response)
    }
    const context = mistake === 'shares one context between requests' ? shared : traced
    const run = <T>(next: () => T): T =>
      mistake === 'does not run the handler in the context of the request' ? next() : context.run(next)
    void run(() => answer(request, response, traced, run, route))
  })

  function end(traced: Traced, response: ServerResponse, route: () => string | undefined): void {
    const outcome = () => ({ end: 'completed' as const, statusCode: response.statusCode, route: route() })
    const close = (statusCode?: number) =>
      response.on('close', () => traced.end({ ...outcome(), ...(statusCode && { statusCode }) } as never))
    if (mistake === 'ends a trace before the handler runs') traced.end(outcome() as never)
    else if (mistake === 'ends a trace as completed, whatever happened') close()
    else if (mistake === 'reports every response as a success') close(200)
    else if (mistake === 'reports every response as a failure')
      response.on('close', () => traced.end({ end: 'server_aborted' }))
    else traced.endWith(response, route)
  }

  async function answer(
    request: UserRequest,
    response: ServerResponse,
    traced: Traced,
    run: <T>(next: () => T) => T,
    route: AuditRoute | undefined,
  ): Promise<void> {
    if (route === undefined) return send({ status: 404, body: {} }, response, traced)
    if (route.userId !== undefined) request.user = { id: route.userId }
    if (route.parsesBody) request.body = JSON.parse(await text(request))
    const trace =
      mistake === 'gives the handler a trace without effect'
        ? Object.assign(Object.create(traced.trace), { setUser() {}, update() {} })
        : traced.trace
    const handle = async () => {
      try {
        const reply = await route.handle({ trace, request, response, takeOver() {} })
        if (reply !== undefined) send(reply, response, traced, route)
      } catch (error) {
        if (mistake !== 'swallows the error of a handler') traced.fail(error)
        send({ status: 500, body: {} }, response, traced)
      }
    }
    if (route.before === undefined) return handle()
    route.before(() => void (mistake === 'loses the context behind a middleware' ? handle() : run(handle)))
  }

  function send(
    { status = 200, body, stream }: AuditReply,
    response: ServerResponse,
    traced: Traced,
    route?: AuditRoute,
  ): void {
    if (stream !== undefined) return void pipeline(stream, response, () => {})
    response.setHeader('content-type', 'application/json')
    const json = JSON.stringify(body)
    const seen = mistake === 'shows no payload before it is compressed' ? json : traced.sends(json, response)
    if (route?.compresses) response.setHeader('content-encoding', 'gzip')
    const sent = route?.compresses ? gzipSync(seen as string) : Buffer.from(seen as string)
    response.setHeader('content-length', sent.length)
    response.writeHead(status)
    response.end(sent)
  }
}

function matches({ method, path }: AuditRoute, wanted: string | undefined, actual: string): boolean {
  return method === wanted && new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`).test(actual)
}
