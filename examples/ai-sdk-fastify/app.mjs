import { createOpenAI } from '@ai-sdk/openai'
import { LangfuseVercelAiSdkIntegration } from '@langfuse/vercel-ai-sdk'
import langfusePlugin, { feedbackRoute } from '@langfuse-middleware/fastify'
import { generateText, isStepCount, registerTelemetry, streamText } from 'ai'
import { fastify } from 'fastify'
import { tools } from './tools.mjs'

// Once in a process: from here on, what the AI SDK does within a request is in the request's trace.
registerTelemetry(new LangfuseVercelAiSdkIntegration())

/**
 * The app. Its keys and addresses come from the environment: see README.md.
 * @param {{ model?: string }} [options]
 */
export async function createApp({ model: name = 'gpt-4.1-mini' } = {}) {
  const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL })
  const model = openai.chat(name)
  const app = fastify()

  await app.register(langfusePlugin, { tags: ['shop'] })

  app.post('/agent', async request => {
    const { message } = /** @type {{ message: string }} */ (request.body)
    const { signal, traceId } = request.langfuse
    const { text } = await generateText({
      model,
      prompt: message,
      tools,
      stopWhen: isStepCount(5),
      abortSignal: signal,
      telemetry: { functionId: 'support-agent' },
    })
    request.langfuse.update({ input: message, output: text })
    return { answer: text, traceId }
  })

  app.post('/summary', async (request, reply) => {
    const { text } = /** @type {{ text: string }} */ (request.body)
    const { textStream } = streamText({
      model,
      prompt: `Summarise: ${text}`,
      abortSignal: request.langfuse.signal,
      // Long texts need not be in the trace.
      telemetry: { functionId: 'summary', recordInputs: false },
    })
    return reply.type('text/plain').send(textStream)
  })

  await app.register(feedbackRoute, { names: ['helpful'] })

  return app
}
