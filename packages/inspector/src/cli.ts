#!/usr/bin/env node
import { version } from '../package.json' with { type: 'json' }
import { printableJson } from './basics/printable.ts'
import type { LangfuseProject } from './outgoing/langfuse-sender.ts'
import type { Trace } from './reading/trace.ts'
import { toTraceRecord } from './reading/trace-record.ts'
import { type Inspector, startInspector } from './start/inspector.ts'
import { helpText, parseCommandLine } from './terminal/cli-options.ts'
import { createPaint, hasColour } from './terminal/paint.ts'
import { formatTrace } from './terminal/trace-view.ts'

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})

async function main(args: string[]): Promise<void> {
  if (args[0] === 'mcp') return await runMcp(args.slice(1))
  const { help, version: wantsVersion, json, quiet, ...options } = parseCommandLine(args)
  if (help || wantsVersion) {
    process.stdout.write(help ? helpText : `${version}\n`)
    return
  }
  // In JSON mode stdout carries traces and nothing else.
  const talk = json ? process.stderr : process.stdout
  const paint = createPaint(hasColour(talk))

  const onTrace = (trace: Trace): void => {
    if (quiet) return
    const colour = hasColour(process.stdout)
    const width = process.stdout.columns ?? 120
    const text = json ? printableJson(toTraceRecord(trace)) : `${formatTrace(trace, { colour, width })}\n`
    process.stdout.write(`${text}\n`)
  }
  const warn = (message: string): void => {
    process.stderr.write(`${message}\n`)
  }
  const sendTo = projectFrom(process.env)
  const inspector = await startInspector({ ...options, onTrace, warn, ...(sendTo && { sendTo }) })
  const before = inspector.stats().traces
  talk.write(`${invitation(inspector.url, paint('bold', `LANGFUSE_BASE_URL=${inspector.url}`))}\n\n`)

  const stop = async (): Promise<void> => {
    process.off('SIGINT', stop).off('SIGTERM', stop)
    await inspector.close()
    talk.write(`${summary(inspector, before)}\n`)
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  // A pipe that was closed at the other end: nobody reads on.
  process.stdout.on('error', () => void inspector.close())
}

/** Serves the Model Context Protocol; the module is large, and loaded only for that. */
async function runMcp(args: string[]): Promise<void> {
  const { port = 4319, host = '127.0.0.1' } = parseCommandLine(args)
  const { serveMcp } = await import('./mcp/mcp-server.ts')
  await serveMcp(`http://${host.includes(':') ? `[${host}]` : host}:${port}`)
}

/** Where single traces may be sent on to, if there are keys for it. */
function projectFrom(env: NodeJS.ProcessEnv): LangfuseProject | undefined {
  const { LANGFUSE_PUBLIC_KEY: publicKey, LANGFUSE_SECRET_KEY: secretKey } = env
  const baseUrl = env.LANGFUSE_BASE_URL || env.LANGFUSE_HOST || 'https://cloud.langfuse.com'
  return publicKey && secretKey ? { baseUrl, publicKey, secretKey } : undefined
}

function invitation(url: string, setting: string): string {
  return `Langfuse inspector: open ${url} in a browser\nPoint your app here: ${setting} (any keys will do). Ctrl-C ends.`
}

function summary(inspector: Inspector, before: number): string {
  const { traces, receivedSpans, scores, rejectedSpans, evictedTraces } = inspector.stats()
  const tokens = inspector.traces().reduce((sum, trace) => sum + trace.totals.tokens.total, 0)
  const failed = inspector.traces().filter(({ level }) => level === 'ERROR').length
  return [
    count(traces + evictedTraces - before, 'trace'),
    failed > 0 && `${failed} with errors`,
    count(receivedSpans, 'span'),
    tokens > 0 && count(tokens, 'token'),
    scores > 0 && count(scores, 'score'),
    rejectedSpans > 0 && `${count(rejectedSpans, 'span')} rejected`,
    evictedTraces > 0 && `${count(evictedTraces, 'trace')} dropped to make room`,
  ]
    .filter(Boolean)
    .join(', ')
}

function count(amount: number, thing: string): string {
  return `${amount.toLocaleString('en-US')} ${thing}${amount === 1 ? '' : 's'}`
}
