import { once } from 'node:events'
import { connect } from 'node:net'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { type RecordedObservation, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import { type LangfuseMiddlewareOptions, langfuseMiddleware, traceRoute } from '@langfuse-middleware/express'
import compression from 'compression'
import type express from 'express'
import multer from 'multer'
import { expressVersions } from './express-versions.ts'
import { tracedApp } from './traced-app.ts'

let recorder: Recorder

beforeEach(() => {
  recorder = recordTraces()
})

afterEach(() => recorder.close())

const ALL = { requestBody: true, responseBody: true } as const

describe.each(expressVersions)('%s', (_name, create) => {
  it('shows the parsed body as input and what was answered as output', async () => {
    const { call } = tracedApp(
      create,
      recorder,
      app => {
        app.use(create.json())
        app.post('/chat', (_request, response) => {
          response.json({ role: 'assistant', content: 'hello', session_token: 'abc' })
        })
      },
      { capture: ALL },
    )
    const { root } = await call('post', '/chat', test =>
      test.send({ messages: [{ role: 'user', content: 'hi' }], max_tokens: 5, api_key: 'sk-1' }),
    )
    expect(root.input).toEqual({
      messages: [{ role: 'user', content: 'hi' }],
      max_tokens: 5,
      api_key: '[redacted]',
    })
    expect(root.output).toEqual({ role: 'assistant', content: 'hello', session_token: '[redacted]' })
    expect(root.metadata).toMatchObject({ path: '/chat', statusCode: 200 })
  })

  it.each(['before', 'after'])('shows the answer as the app wrote it with compression mounted %s', async place => {
    const app = create()
    if (place === 'before') app.use(compression({ threshold: 0 }))
    app.use(langfuseMiddleware({ capture: ALL }))
    if (place === 'after') app.use(compression({ threshold: 0 }))
    app.get('/whole', (_request, response) => {
      response.json({ text: 'x'.repeat(100) })
    })
    app.get('/pieces', (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.write('one ')
      response.write(Buffer.from('two'))
      response.end()
    })
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    for (const path of ['/whole', '/pieces']) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`)
      expect(answer.headers.get('content-encoding')).toBe(place === '' ? null : 'gzip')
      await answer.text()
    }
    const whole = await recorder.waitFor(one => one.root?.name === 'GET /whole')
    expect(whole.root?.output).toEqual({ text: 'x'.repeat(100) })
    const pieces = await recorder.waitFor(one => one.root?.name === 'GET /pieces')
    expect(pieces.root?.output).toBe('one two')
    expect(pieces.root?.metadata).toMatchObject({ chunks: 2 })
    server.close()
  })
})
