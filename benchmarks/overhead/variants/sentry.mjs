import { generationAttributes, peer } from './peer.mjs'

export default function sentry({ baseUrl }) {
  const Sentry = peer('@sentry/node')
  const { host } = new URL(baseUrl)
  Sentry.init({ dsn: `http://benchmark@${host}/1`, tracesSampleRate: 1 })

  return {
    expressErrors: app => Sentry.setupExpressErrorHandler?.(app),
    fastify: app => Sentry.setupFastifyErrorHandler?.(app),
    generate(input, think) {
      return Sentry.startSpan(
        { name: 'answer', op: 'gen_ai.chat', attributes: generationAttributes(input) },
        async span => {
          const output = await think()
          span.setAttributes({ 'gen_ai.output.messages': output, 'gen_ai.usage.output_tokens': 1000 })
          return output
        },
      )
    },
    flush: () => Sentry.flush(10_000),
  }
}
