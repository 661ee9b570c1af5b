import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { output } from './packed-packages.ts'

const PACKAGES = join(__dirname, '..', 'packages')

const expected = {
  '@langfuse-middleware/core': [
    'MiddlewareError',
    'currentRequest',
    'extractTraceContext',
    'getLangfuseClient',
    'getPrompt',
    'getRequestContext',
    'getTracing',
    'initTracing',
    'injectTraceHeaders',
    'langfuseSpanProcessor',
    'redactContent',
    'resolveOptions',
    'runWithContext',
    'safeTrace',
    'scoreTrace',
    'traceHandler',
    'traceJob',
    'withPrompt',
  ],
  '@langfuse-middleware/core/adapter': [
    'MiddlewareError',
    'checkRouteOptions',
    'createFeedbackReceiver',
    'createRequestTracer',
    'enterRequestsOf',
    'getTracing',
    'refuseRequest',
    'refuseUncalled',
    'tracedRequestOf',
    'within',
  ],
  '@langfuse-middleware/delivery': [
    'MiddlewareError',
    'createBreaker',
    'createFanOut',
    'createGrpcSender',
    'createHttpSender',
    'createLangfuseScoreSender',
    'createLangfuseSender',
    'createOtlpSender',
    'createOutbox',
    'createRecordBuilder',
    'createRedactor',
    'createRelay',
    'createScoreOutbox',
    'observeOutboxes',
    'readFields',
    'splitByTrace',
    'splitRequest',
  ],
  // Only for packages of this project: it may change with any release.
  '@langfuse-middleware/delivery/options': [
    'HTTP_SENDER_OPTIONS',
    'MiddlewareError',
    'OUTBOX_OPTIONS',
    'atLeast',
    'between',
    'callback',
    'checkNames',
    'checkTable',
    'createLog',
    'createRedactor',
    'flag',
    'group',
    'headersFor',
    'httpUrl',
    'integer',
    'invalid',
    'isRecord',
    'langfuseBaseUrl',
    'listOf',
    'milliseconds',
    'oneOf',
    'otlpProtocol',
    'resolveEntry',
    'resolveTable',
    'text',
    'textRecord',
    'withMethods',
  ],
  '@langfuse-middleware/doctor': ['diagnose'],
  '@langfuse-middleware/evaluate': [
    'EvaluateError',
    'calledTools',
    'contains',
    'defineEvaluation',
    'evaluateRoute',
    'exactMatch',
    'formatJUnit',
    'formatJson',
    'formatMarkdown',
    'formatTable',
    'grounded',
    'jsonMatch',
    'jsonSchema',
    'judge',
    'matches',
    'maxCost',
    'maxDurationMs',
    'maxFirstTokenMs',
    'maxTokens',
    'noErrors',
    'readJsonLines',
  ],
  '@langfuse-middleware/evaluate/matchers': ['traceMatchers'],
  '@langfuse-middleware/express': [
    'feedbackRoute',
    'langfuseErrorHandler',
    'langfuseMiddleware',
    'traceRoute',
  ],
  '@langfuse-middleware/fastify': ['default', 'feedbackRoute', 'langfusePlugin'],
  '@langfuse-middleware/hono': ['langfuseMiddleware', 'traceRoute'],
  '@langfuse-middleware/inspector': [
    'InspectorError',
    'ensureInspector',
    'formatTrace',
    'startInspector',
    'traceUrl',
  ],
  '@langfuse-middleware/llm-calls': [
    'DIALECT_NAMES',
    'closeJson',
    'createStreamedAnswer',
    'createTextParts',
    'watchCreatedRequests',
    'watchLlmCalls',
  ],
  '@langfuse-middleware/queue': ['createWorker', 'queueFromUrl', 'redriveDeadLetters'],
  '@langfuse-middleware/queue/kafka': ['kafkaQueue'],
  '@langfuse-middleware/queue/redis': ['redisQueue'],
  '@langfuse-middleware/queue/sqs': ['sqsQueue'],
  '@langfuse-middleware/koa': ['langfuseMiddleware', 'traceRoute'],
  '@langfuse-middleware/node': ['langfuseErrorHandler', 'langfuseMiddleware', 'traceListener', 'traceRoute'],
  '@langfuse-middleware/testing': ['adapterAudits', 'auditRoutes', 'recordTraces'],
}

/** Every way to import one of the packages, as their manifests say. */
const entryPoints = readdirSync(PACKAGES).flatMap(folder => {
  const { name, exports } = JSON.parse(readFileSync(join(PACKAGES, folder, 'package.json'), 'utf8'))
  const paths = Object.keys(exports).filter(path => path !== './package.json')
  return paths.map(path => name + path.slice(1))
})

/** What a program gets from each entry point by `load`, an expression in which the entry point is `name`. */
async function exportsBy(load: string): Promise<unknown> {
  const program = `
    import { createRequire } from 'node:module'
    const require = createRequire(import.meta.url)
    const found = {}
    for (const name of ${JSON.stringify(entryPoints)}) found[name] = Object.keys(${load}).sort()
    console.log(JSON.stringify(found))`
  return JSON.parse(await output(process.execPath, ['--input-type=module', '--eval', program]))
}

it('exports these values, and no others, to who imports', async () => {
  expect(await exportsBy('await import(name)')).toEqual(expected)
})

it('exports the same to who requires', async () => {
  expect(await exportsBy('require(name)')).toEqual(expected)
})
