import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { redactContent } from '@langfuse-middleware/core'
import { EvaluateError } from '../basics/evaluate-error.ts'
import type { EvaluationItem } from '../data/item.ts'
import { connect, type LangfuseConnection } from '../langfuse/connection.ts'
import { tracesOfInspector } from '../trace/inspector-traces.ts'
import { tracesOfLangfuse } from '../trace/langfuse-traces.ts'
import type { StoredTrace, TraceFilter } from '../trace/stored-trace.ts'
import { type CommandLine, numberOf } from './command-line.ts'

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Makes dataset items of traces, and writes or prints them, or adds them to a Langfuse dataset. */
export async function datasetCommand({ values }: CommandLine): Promise<void> {
  const connection = await connect(undefined)
  if (connection === undefined)
    throw invalid('no traces to read: set LANGFUSE_BASE_URL, LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY')
  const filter: TraceFilter = {
    route: values.route,
    tag: values.tag,
    score: values.score === undefined ? undefined : scoreCondition(values.score),
    errors: values.errors ?? false,
    since: Date.now() - durationMs(values.since ?? '24h'),
    limit: numberOf('limit', values.limit) ?? 100,
  }
  const found = connection.isInspector
    ? await tracesOfInspector(connection.baseUrl, filter)
    : await tracesOfLangfuse(connection.client, filter)
  const items = found.map(trace => toItem(trace, values.expected ?? false))
  if (values.to !== undefined) await addToDataset(connection, values.to, items)
  const lines = items.map(item => `${JSON.stringify(item)}\n`).join('')
  if (values.out !== undefined) {
    await mkdir(dirname(values.out), { recursive: true })
    await writeFile(values.out, lines)
  } else if (values.to === undefined) process.stdout.write(lines)
  const places = [values.out, values.to && `the dataset ${values.to}`].filter(Boolean).join(' and ')
  process.stderr.write(`${items.length} items${places && ` written to ${places}`}\n`)
}

/** What leaves production passes the redaction of captured bodies first. */
function toItem({ trace, tags, scores }: StoredTrace, keepsOutput: boolean): EvaluationItem {
  const output = keepsOutput ? redactContent(trace.root?.output) : undefined
  return {
    id: trace.id,
    input: redactContent(trace.root?.input) ?? null,
    ...(output !== undefined && { expectedOutput: output }),
    metadata: {
      route: trace.root?.metadata.route ?? trace.name,
      ...(tags.length > 0 && { tags }),
      ...(scores.length > 0 && {
        scores: Object.fromEntries(scores.map(({ name, value }) => [name, value])),
      }),
      ...(trace.errors.length > 0 && {
        errors: trace.errors.map(({ name, statusMessage }) =>
          redactContent(`${name}: ${statusMessage ?? 'ERROR'}`),
        ),
      }),
    },
  }
}

async function addToDataset(
  { client, isInspector }: LangfuseConnection,
  name: string,
  items: readonly EvaluationItem[],
): Promise<void> {
  if (isInspector) throw invalid('--to needs Langfuse itself: the inspector has no datasets; use --out')
  await client.api.datasets.create({ name })
  for (const { id, input, expectedOutput, metadata } of items) {
    await client.dataset.createItem({
      datasetName: name,
      id: `${name}-${id}`,
      input,
      expectedOutput,
      metadata,
      sourceTraceId: id!,
    })
  }
}

function scoreCondition(text: string): NonNullable<TraceFilter['score']> {
  const match = /^(.+?)\s*(<=|>=|!=|<|>|=)\s*(.+)$/.exec(text)
  if (match === null)
    throw invalid(`--score must be a condition such as "helpful<0.5", got ${JSON.stringify(text)}`)
  const [, name, operator, given] = match as unknown as [string, string, '<', string]
  const number = given === 'true' ? 1 : given === 'false' ? 0 : Number(given)
  return { name: name.trim(), operator, value: Number.isNaN(number) ? given : number }
}

function durationMs(text: string): number {
  const match = /^(\d{1,6})([mhd])$/.exec(text)
  if (match === null)
    throw invalid(`--since must be a duration such as 30m, 24h or 7d, got ${JSON.stringify(text)}`)
  return Number(match[1]) * UNITS[match[2]!]!
}

function invalid(message: string): EvaluateError {
  return new EvaluateError('LANGFUSE_EVALUATE_INVALID_OPTION', message)
}
