import { Anthropic, APIError } from '@anthropic-ai/sdk'
import { getPrompt, withPrompt } from '@langfuse-middleware/core'
import { feedbackRoute, langfuseErrorHandler, langfuseMiddleware } from '@langfuse-middleware/express'
import express from 'express'

const max_tokens = 1_000

/**
 * The app. Its keys and addresses come from the environment: see README.md.
 * @param {{ model?: string }} [options]
 */
export function createApp({ model = 'claude-haiku-4-5' } = {}) {
  const anthropic = new Anthropic({
    // The SDK makes observations by itself; what was asked and answered is in them only if that is wanted.
    openTelemetry: { traces: { contentMode: 'content' } },
  })
  const app = express()

  app.use(langfuseMiddleware({ tags: ['shop'] }))
  app.use(express.json())

  app.post('/chat', async (request, response) => {
    const { message } = request.body
    // From Langfuse, where it can be changed without a release; the fallback is for when Langfuse is away.
    const prompt = await getPrompt('shop-assistant', { fallback: 'You help customers of a small shop.' })
    const { content } = await withPrompt(prompt, () =>
      anthropic.messages.create(
        { model, max_tokens, system: prompt.compile(), messages: [{ role: 'user', content: message }] },
        { signal: request.langfuse.signal },
      ),
    )
    const answer = content.map(block => (block.type === 'text' ? block.text : '')).join('')
    request.langfuse.update({ input: message, output: answer })
    request.langfuse.score({ name: 'answer-length', value: answer.length })
    response.json({ answer, traceId: request.langfuse.traceId })
  })

  app.post('/chat/stream', async (request, response) => {
    const { message, model: wanted = model } = request.body
    const stream = anthropic.messages.stream(
      { model: wanted, max_tokens, messages: [{ role: 'user', content: message }] },
      // When the reader leaves, this ends the model's answer too.
      { signal: request.langfuse.signal },
    )
    response.type('text/plain')
    stream.on('text', text => response.write(text))
    request.langfuse.update({ input: message, output: await stream.finalText() })
    response.end()
  })

  app.post('/feedback', feedbackRoute({ names: ['helpful'] }))

  app.use(langfuseErrorHandler())
  app.use(answerError)
  return app
}

/** @type {import('express').ErrorRequestHandler} */
function answerError(error, _request, response, next) {
  if (response.headersSent || !(error instanceof APIError)) return next(error)
  response.status(502).json({ error: 'The model did not answer.' })
}
