import { type HttpAnswer, shown } from './http-result.ts'
import { createHttpSender } from './http-sender.ts'
import { type LangfuseSenderOptions, langfuseEndpoint } from './langfuse-endpoint.ts'
import type { Sender, SendResult } from './sender.ts'

interface IngestionAnswer {
  errors?: { status?: number; message?: string; error?: unknown }[]
}

const [PREFIX, NEW_LINE, COMMA, SUFFIX] = [Buffer.from('{"batch":['), 0x0a, 0x2c, Buffer.from(']}')]

/** Creates the sender of scores to Langfuse's ingestion endpoint. Throws where a key is missing or the URL cannot be used. */
export function createLangfuseScoreSender(options: LangfuseSenderOptions): Sender {
  const http = createHttpSender({
    ...langfuseEndpoint(options, '/api/public/ingestion'),
    // Not that of spans: what waits on disk is of another format.
    identity: `langfuse-scores:${options.publicKey}`,
    contentType: 'application/json',
    readAccepted: readIngestion,
  })
  return { ...http, send: (body, how) => http.send(batchOf(body), how) }
}

/** Lines of JSON as one list of JSON. */
function batchOf(lines: Uint8Array): Buffer {
  const list = Buffer.from(lines.subarray(0, -1))
  for (let at = list.indexOf(NEW_LINE); at >= 0; at = list.indexOf(NEW_LINE, at)) list[at] = COMMA
  return Buffer.concat([PREFIX, list, SUFFIX])
}

/**
 * Langfuse answers 207 and says of each event what became of it. Where it could not keep one, the others go with it once more: an event
 * that it has already changes nothing.
 */
function readIngestion({ body }: HttpAnswer): SendResult {
  const { errors = [] } = JSON.parse(body.toString('utf8')) as IngestionAnswer
  const later = errors.find(({ status = 500 }) => status >= 500 || status === 429)
  const [first = later] = errors
  if (first === undefined) return { outcome: 'accepted' }
  const { status, message, error } = later ?? first
  const reason = shown(`${status}: ${message ?? JSON.stringify(error)}`)
  return later === undefined
    ? { outcome: 'accepted', rejectedSpans: errors.length, reason }
    : { outcome: 'failed', reason }
}
