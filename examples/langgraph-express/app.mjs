import { StringOutputParser } from '@langchain/core/output_parsers'
import { ChatPromptTemplate } from '@langchain/core/prompts'
import { ChatOpenAI } from '@langchain/openai'
import { CallbackHandler } from '@langfuse/langchain'
import {
  feedbackRoute,
  langfuseErrorHandler,
  langfuseMiddleware,
  traceRoute,
} from '@langfuse-middleware/express'
import express from 'express'
import { createAgent } from './agent.mjs'

/**
 * The app. Its keys and addresses come from the environment: see README.md.
 * @param {{ model?: string }} [options]
 */
export function createApp({ model: name = 'gpt-4.1-mini' } = {}) {
  const model = new ChatOpenAI({ model: name })
  const agent = createAgent(model)
  const summary = ChatPromptTemplate.fromTemplate('Summarise: {text}')
    .pipe(model)
    .pipe(new StringOutputParser())
  const app = express()

  app.use(langfuseMiddleware({ tags: ['shop'] }))
  app.use(express.json())

  app.post('/agent', async (request, response) => {
    const { message } = request.body
    const { messages } = await agent.invoke(
      { messages: [{ role: 'user', content: message }] },
      // One for each request: it finds the request's trace by itself.
      { callbacks: [new CallbackHandler()], signal: request.langfuse.signal },
    )
    const answer = messages.at(-1)?.content
    request.langfuse.update({ input: message, output: answer })
    response.json({ answer, traceId: request.langfuse.traceId })
  })

  app.post('/summary', traceRoute({ tags: ['stream'] }), async (request, response) => {
    const { text } = request.body
    const pieces = await summary.stream({ text }, { callbacks: [new CallbackHandler()] })
    response.type('text/plain')
    for await (const piece of pieces) response.write(piece)
    response.end()
  })

  app.post('/feedback', feedbackRoute({ names: ['helpful'] }))

  app.use(langfuseErrorHandler())
  return app
}
