import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import langfusePlugin from '@langfuse-middleware/fastify'
import { adapterAudits, auditRoutes, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import type { FastifyInstance, onSendHookHandler, preHandlerHookHandler } from 'fastify'
import { fastifyVersions } from './fastify-versions.ts'

const authenticate =
  (id: string): preHandlerHookHandler =>
  (request, _reply, next) => {
    Object.assign(request, { user: { id } })
    next()
  }

// Each version of @fastify/compress takes one of Fastify.
const compress: onSendHookHandler = (_request, reply, payload, done) => {
  reply.header('content-encoding', 'gzip').removeHeader('content-length')
  done(null, gzipSync(payload as string))
}

describe.each(fastifyVersions)('%s', (_version, fastify) => {
  let recorder: Recorder
  let app: FastifyInstance

  beforeAll(async () => {
    recorder = recordTraces({ environment: 'audit' })
    app = fastify({ forceCloseConnections: true })
    await app.register(langfusePlugin)
    // The audit reads the body itself.
    app.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null))
    for (const route of auditRoutes) {
      const { method, path, options, before, handle } = route
      app.route({
        method,
        url: path,
        config: options === undefined ? {} : { langfuse: options },
        ...(before && { preHandler: (_request, _reply, next) => before(next) }),
        ...(route.userId !== undefined && { preHandler: authenticate(route.userId) }),
        ...(route.compresses && { onSend: compress }),
        handler(request, reply) {
          const outcome = handle({
            trace: request.langfuse,
            request: request.raw,
            response: reply.raw,
            takeOver: () => reply.hijack(),
          })
          return Promise.resolve(outcome).then(answer =>
            answer === undefined
              ? undefined
              : reply.status(answer.status ?? 200).send(answer.stream ?? answer.body),
          )
        },
      })
    }
    await app.listen({ port: 0, host: '127.0.0.1' })
  })

  afterAll(async () => {
    await app.close()
    await recorder.close()
  })

  it.each(adapterAudits.map(audit => [audit.name, audit] as const))('%s', async (_name, audit) => {
    await audit.run({ port: (app.server.address() as AddressInfo).port, recorder })
  })
})
