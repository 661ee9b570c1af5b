import { startObservation } from '@langfuse/tracing'
import { langfuseMiddleware } from '@langfuse-middleware/express'
import express, { type Express } from 'express'
import type { RouteRequest } from '../src/index.ts'

/** An Express app whose `/ask` retrieves a document, calls a tool and answers with a generation, all traced. */
export function answeringApp(): Express {
  const app = express()
  app.set('env', 'test')
  app.use(langfuseMiddleware())
  app.use(express.json())
  app.post('/ask', (req, res) => {
    const { question } = req.body as { question: string }
    if (question === 'fail') throw new Error('no answer today')
    if (question === 'hang') return
    const documents = [{ text: 'Refunds arrive within five working days.' }]
    startObservation('retrieve', { output: documents }, { asType: 'retriever' }).end()
    startObservation('search', { input: question }, { asType: 'tool' }).end()
    const answer = `Refunds arrive within five working days, ${question}`
    startObservation(
      'answer',
      {
        model: 'gpt-4.1-mini',
        input: question,
        output: answer,
        usageDetails: { input: 1000, output: 500 },
        level: question === 'broken' ? 'ERROR' : 'DEFAULT',
        ...(question === 'broken' && { statusMessage: 'the model timed out' }),
      },
      { asType: 'generation' },
    ).end()
    res.json({ answer })
  })
  app.post('/stream', (_req, res) => {
    res.type('text/event-stream')
    for (const text of ['Refunds ', 'arrive ', 'soon.'])
      res.write(`data: ${JSON.stringify({ choices: [{ delta: { content: text } }] })}\n\n`)
    res.end('data: [DONE]\n\n')
  })
  return app
}

/** The request for a question. */
export function ask(item: { input: unknown }): RouteRequest {
  return { path: '/ask', body: { question: item.input } }
}
