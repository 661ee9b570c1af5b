import type { HttpAnswer } from './http-result.ts'
import { createHttpSender } from './http-sender.ts'
import { type LangfuseSenderOptions, langfuseEndpoint } from './langfuse-endpoint.ts'
import type { Sender, SendResult } from './sender.ts'

interface IngestionAnswer {
  successes?: unknown[]
  errors?: { id?: string; status?: number; message?: string; error?: unknown }[]
}

const [PREFIX, NEW_LINE, COMMA, SUFFIX] = [Buffer.from('{"batch":['), 0x0a, 0x2c, Buffer.from(']}')]

/**
 * Creates the sender of scores to Langfuse's ingestion endpoint. Bodies are lines of JSON, one event each. Throws if a key is missing or
 * the URL is invalid.
 * @see https://api.reference.langfuse.com/#tag/ingestion
 */
export function createLangfuseScoreSender(options: LangfuseSenderOptions): Sender {
  const http = createHttpSender({
    ...langfuseEndpoint(options, '/api/public/ingestion'),
    // Langfuse does not inflate this endpoint's bodies: a compressed one is answered with `400 Invalid JSON`.
    compression: 'none',
    // Differs from that of spans: what is spooled has another format.
    identity: `langfuse-scores:${options.publicKey}`,
    contentType: 'application/json',
    readAccepted: readIngestion,
  })
  return {
    ...http,
    async send(body, how) {
      const result = await http.send(batchOf(body), how)
      const { failedIds, ...rest } = result as SendResult & { failedIds?: readonly string[] }
      return failedIds === undefined ? rest : { ...rest, retryItems: indexesOf(body, failedIds) }
    },
  }
}

/** Turns lines of JSON into one JSON array. */
function batchOf(lines: Uint8Array): Buffer {
  const list = Buffer.from(lines.subarray(0, -1))
  for (let at = list.indexOf(NEW_LINE); at >= 0; at = list.indexOf(NEW_LINE, at)) list[at] = COMMA
  return Buffer.concat([PREFIX, list, SUFFIX])
}

/** Reads the 207 of Langfuse, which has a status for each event. Events answered with 429 or 5xx may succeed later. */
function readIngestion(answer: HttpAnswer): (SendResult & { failedIds?: readonly string[] }) | undefined {
  // A page of another server, for example a login page.
  if (!answer.headers['content-type']?.includes('json')) return undefined
  const { successes, errors } = parse(answer.body)
  if (!Array.isArray(successes) && !Array.isArray(errors))
    return { outcome: 'failed', reason: 'the answer to scores cannot be read' }
  if (errors === undefined || errors.length === 0) return { outcome: 'accepted' }
  const later = errors.filter(({ status = 500 }) => status >= 500 || status === 429)
  const { status, message, error } = later[0] ?? errors[0]!
  const reason = `${status}: ${message ?? JSON.stringify(error)}`
  const failedIds = later.flatMap(({ id }) => (id === undefined ? [] : [id]))
  // An error that names no event is about all of them.
  if (failedIds.length < later.length) return { outcome: 'failed', reason }
  return {
    outcome: 'accepted',
    rejectedSpans: errors.length - later.length,
    reason,
    ...(failedIds.length > 0 && { failedIds }),
  }
}

function parse(body: Buffer): IngestionAnswer {
  try {
    return JSON.parse(body.toString('utf8')) ?? {}
  } catch {
    return {}
  }
}

function indexesOf(lines: Uint8Array, ids: readonly string[]): number[] {
  const wanted = new Set(ids)
  const events = Buffer.from(lines).toString('utf8').split('\n').slice(0, -1)
  return events.flatMap((line, index) => (wanted.has(JSON.parse(line).id) ? [index] : []))
}
