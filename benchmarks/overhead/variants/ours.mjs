import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const silent = { info() {}, warn() {}, error: message => process.stderr.write(`${message}\n`) }

export default function ours({ framework, baseUrl, options }) {
  const { startObservation } = require('@langfuse/tracing')
  const { getTracing } = require('@langfuse-middleware/core')
  const all = {
    publicKey: 'pk-lf-benchmark',
    secretKey: 'sk-lf-benchmark',
    baseUrl,
    logger: silent,
    shutdown: { signals: false },
    ...options,
  }
  const adapter = require(`@langfuse-middleware/${framework}`)
  return {
    express: app => app.use(adapter.langfuseMiddleware(all)),
    fastify: app => app.register(adapter.langfusePlugin, all),
    async generate(input, think) {
      const generation = startObservation(
        'answer',
        { model: 'gpt-4.1-mini', input },
        { asType: 'generation' },
      )
      const output = await think()
      generation.update({ output, usageDetails: { input: 500, output: 1000 } }).end()
      return output
    },
    flush: () => getTracing().flush({ timeoutMs: 10_000 }),
    stats: () => getTracing().stats(),
  }
}
