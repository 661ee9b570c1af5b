import { setTimeout as delay } from 'node:timers/promises'
import { currentRequest, initTracing, safeTrace, traceJob } from '@langfuse-middleware/core'
import { type Finding, findingsOf } from '../report/finding.ts'
import type { Check } from './check.ts'
import { askLangfuse, type LangfuseProject } from './langfuse-request.ts'

const POLL_MS = 500
/** Langfuse shows a trace some seconds after it has taken it. */
const READ_BACK_MS = 30_000

/** Sends one trace as an app does, and reads it back. */
export const checkTestTrace: Check = async ({ config, env, timeoutMs }) => {
  const { ok, error, warning, skipped } = findingsOf('test trace')
  const destination = config?.destination
  if (destination === undefined || !('publicKey' in destination) || destination.secretKey === undefined)
    return [skipped('nowhere to send it')]
  const warnings: string[] = []
  const take = (message: string) => void warnings.push(message)
  const tracing = initTracing({
    ...destinationOptions(destination),
    environment: 'doctor',
    sampling: { rate: 1 },
    shutdown: { signals: false },
    inspector: false,
    delivery: { timeoutMs },
    logger: { info() {}, warn: take, error: take },
  })
  let traceId: string | undefined
  let isNested = false
  await traceJob('langfuse-middleware doctor', async () => {
    const job = currentRequest()
    traceId = job?.traceId
    await delay(1)
    await safeTrace('after an await', async () => {
      await delay(1)
      isNested = currentRequest() === job
    })
  })
  const { delivered, dropped, waiting } = await tracing.shutdown({ timeoutMs: timeoutMs * 2 })
  const context = contextFinding(isNested)
  if (traceId === undefined)
    return [context, error('it was not recorded', 'a warning of tracing says why'), ...told(warnings)]
  if (delivered === 0)
    return [
      context,
      error(
        `it was not delivered: ${waiting} waiting, ${dropped} dropped`,
        warnings[0] ?? 'check address and keys',
      ),
      ...told(warnings.slice(1)),
    ]
  const isBack = await readBack(destination, traceId, timeoutMs)
  return [
    context,
    isBack
      ? ok(`${traceId} was sent and read back`)
      : warning(
          `${traceId} was accepted, and is not readable after ${READ_BACK_MS / 1_000} s`,
          'look for it in Langfuse; a self-hosted worker may be behind',
        ),
    ...told(warnings),
  ]

  function told(messages: readonly string[]): Finding[] {
    return messages.map(message =>
      findingsOf('tracing').warning(
        message,
        `NODE_ENV=${env.NODE_ENV ?? ''}: the app logs it at its start, too`,
      ),
    )
  }
}

function contextFinding(isNested: boolean): Finding {
  const { ok, error } = findingsOf('context')
  return isNested
    ? ok('survives awaits')
    : error(
        'it is lost at an await',
        'keep one version of @opentelemetry/api, and let no other library register a context manager that forgets',
      )
}

function destinationOptions({ publicKey, secretKey, baseUrl }: LangfuseProject): LangfuseProject {
  return { publicKey, secretKey, baseUrl }
}

async function readBack(project: LangfuseProject, traceId: string, timeoutMs: number): Promise<boolean> {
  const until = Date.now() + READ_BACK_MS
  while (Date.now() < until) {
    // The first is of Langfuse, the second of the local inspector.
    for (const path of [`/api/public/traces/${traceId}`, `/api/traces/${traceId}`]) {
      const response = await askLangfuse(project, path, timeoutMs).catch(() => undefined)
      if (response?.ok && /json/.test(response.headers.get('content-type') ?? '')) return true
    }
    await delay(POLL_MS)
  }
  return false
}
