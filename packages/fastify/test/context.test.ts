import { AsyncResource } from 'node:async_hooks'
import { Readable } from 'node:stream'
import { startObservation } from '@langfuse/tracing'
import { currentRequest } from '@langfuse-middleware/core'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import memoizer from 'lru-memoizer'
import { fastifyVersions } from './fastify-versions.ts'
import { type TracedApp, tracedApp } from './traced-app.ts'

type Hook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void

const connection = new AsyncResource('pooled connection')
/** Continues outside of any request, as a callback of a connection pool does. */
function pooled(work: () => void): void {
  setImmediate(() => connection.runInAsyncScope(work))
}

const KINDS = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const

describe.each(fastifyVersions)('the context in %s', (_version, fastify) => {
  let recorder: Recorder
  let traced: TracedApp

  beforeAll(() => {
    recorder = recordTraces()
  })
  afterEach(async () => {
    await traced.app.close()
    recorder.clear()
  })
  afterAll(() => recorder.close())

  const serve = async (define: (app: FastifyInstance) => unknown) => {
    traced = await tracedApp(fastify, recorder, define)
    return traced
  }

  it('puts the generation of each user in the trace of that user if lru-memoizer continues all of them', async () => {
    const load = memoizer<string, object>({
      load: (_key, done) => void setTimeout(() => done(null, {}), 20),
      hash: key => key,
    })
    const { call } = await serve(app => {
      app.addHook('preHandler', (_request, _reply, done) =>
        load('settings', error => done(error ?? undefined)),
      )
      app.get('/chat', async () => {
        startObservation('answer', { model: 'gpt-5' }, { asType: 'generation' }).end()
        return {}
      })
    })
    const roots = await Promise.all(
      ['ada', 'grace', 'barbara'].map(async user => {
        const { root } = await call('/chat', { headers: { 'x-user-id': user } })
        return [user, root] as const
      }),
    )
    for (const [user, root] of roots) {
      expect(root.userId).toBe(user)
      expect(root.children.map(({ name, userId }) => [name, userId])).toEqual([['answer', user]])
    }
    expect(await recorder.traces()).toHaveLength(3)
  })

  describe.each(KINDS)('after a callback of a pool in a hook of the kind %s', culprit => {
    async function seenIn(fail: boolean): Promise<[string, boolean][]> {
      const seen: [string, boolean][] = []
      const note = (what: string, request: FastifyRequest) =>
        seen.push([what, currentRequest() === request.langfuse])
      const { call } = await serve(app => {
        const loses: Hook = (_request, _reply, done) =>
          pooled(() => done(fail ? new Error('no connection') : undefined))
        if (culprit === 'preParsing') {
          app.addHook('preParsing', (_request, _reply, payload, done) =>
            pooled(() => done(fail ? new Error('no connection') : null, payload)),
          )
        } else app.addHook(culprit as 'onRequest', loses)
        app.register(async below => {
          for (const kind of KINDS.slice(KINDS.indexOf(culprit) + 1)) {
            if (kind === 'preParsing') {
              below.addHook(kind, (request, _reply, payload, done) => {
                note(kind, request)
                done(null, payload)
              })
            } else {
              below.addHook(kind as 'onRequest', (request, _reply, done) => {
                note(kind, request)
                done()
              })
            }
          }
          below.addHook('preSerialization', async (request, _reply, payload) => {
            note('preSerialization', request)
            return payload
          })
          below.addHook('onSend', async (request, _reply, payload) => {
            note('onSend', request)
            return payload
          })
          below.addHook('onError', async request => void note('onError', request))
          below.addHook('onResponse', async request => void note('onResponse', request))
          below.setErrorHandler((error, request, reply) => {
            note('error handler', request)
            void reply.status(500).send({ message: (error as Error).message })
          })
          below.get('/', (request, reply) => {
            note('handler', request)
            Readable.from(['chunk']).on('data', () => note('stream', request))
            reply.raw.on('finish', () => note('finish', request))
            setImmediate(() => void reply.send({}))
          })
        })
      })
      await call('/')
      while (!seen.some(([what]) => what === 'onResponse')) await new Promise(setImmediate)
      return seen
    }

    it('is right in every later hook and in the handler', async () => {
      const seen = await seenIn(false)
      expect(seen.map(([what]) => what).sort()).toEqual(
        [
          ...KINDS.slice(KINDS.indexOf(culprit) + 1),
          'finish',
          'handler',
          'onResponse',
          'onSend',
          'preSerialization',
          'stream',
        ].toSorted(),
      )
      expect(seen.filter(([, own]) => !own)).toEqual([])
    })

    it('is right in the error handler and in its hooks if the hook fails', async () => {
      const seen = await seenIn(true)
      expect(seen.map(([what]) => what)).toEqual(
        expect.arrayContaining(['error handler', 'onError', 'onSend']),
      )
      expect(seen.filter(([, own]) => !own)).toEqual([])
    })
  })
})
