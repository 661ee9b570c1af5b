import { observeOpenAI } from '@langfuse/openai'
import { langfuseErrorHandler, langfuseMiddleware, traceRoute } from '@langfuse-middleware/express'
import express from 'express'
import { APIError, OpenAI } from 'openai'
import { createAgent } from './agent.mjs'
import { authenticate } from './authenticate.mjs'
import { createTenantRouter } from './tenant-router.mjs'

/**
 * The chat app. Its keys and addresses come from the environment: see README.md.
 * @param {{ ragUrl?: string, defaultModel?: string }} [options]
 */
export function createApp({ ragUrl = 'http://127.0.0.1:3002', defaultModel = 'gpt-4.1-mini' } = {}) {
  const openai = observeOpenAI(new OpenAI(), { generationName: 'answer' })
  const runAgent = createAgent(openai)
  const app = express()

  // Whoever can reach this app is another service on this machine: it listens on loopback only, see server.mjs.
  app.use(langfuseMiddleware({ trust: true }))
  app.get('/health', traceRoute(false), (_request, response) => {
    response.json({ status: 'ok' })
  })
  app.use(express.json(), authenticate)

  app.post('/chat', requireMessage, async (request, response) => {
    const { message, model = defaultModel } = request.body
    const completion = await openai.chat.completions.create(
      { model, messages: [{ role: 'user', content: message }] },
      { signal: request.langfuse.signal },
    )
    const answer = completion.choices[0]?.message.content
    request.langfuse.update({ input: message, output: answer })
    response.json({ answer, traceId: request.langfuse.traceId })
  })

  app.post('/chat/stream', requireMessage, async (request, response) => {
    const { message, model = defaultModel } = request.body
    const stream = await openai.chat.completions.create(
      {
        model,
        messages: [{ role: 'user', content: message }],
        stream: true,
        stream_options: { include_usage: true },
      },
      // When the reader leaves, this ends the generation, and what was said until then is recorded.
      { signal: request.langfuse.signal },
    )
    response.type('text/event-stream')
    let answer = ''
    for await (const chunk of stream) {
      const text = chunk.choices[0]?.delta.content
      if (!text) continue
      answer += text
      response.write(`data: ${JSON.stringify(text)}\n\n`)
    }
    request.langfuse.update({ input: message, output: answer })
    response.end()
  })

  app.post('/agent', requireMessage, async (request, response) => {
    const { message, model = defaultModel } = request.body
    const answer = await runAgent(message, { model, signal: request.langfuse.signal })
    request.langfuse.update({ input: message, output: answer })
    response.json({ answer, traceId: request.langfuse.traceId })
  })

  app.use('/tenants/:tenant', createTenantRouter(ragUrl))

  app.use(langfuseErrorHandler())
  app.use(answerError)
  return app
}

/** @type {import('express').RequestHandler} */
function requireMessage(request, response, next) {
  if (typeof request.body?.message === 'string') return next()
  response.status(400).json({ error: 'message must be a string' })
}

/** @type {import('express').ErrorRequestHandler} */
function answerError(error, _request, response, next) {
  if (response.headersSent) return next(error)
  if (error instanceof APIError) return response.status(502).json({ error: 'The model did not answer.' })
  const status = error.status ?? 500
  response.status(status).json({ error: status < 500 ? error.message : 'Something went wrong here.' })
}
