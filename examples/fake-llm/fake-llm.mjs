import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { ApiError } from './api-error.mjs'
import { chatCompletion } from './chat-completion.mjs'
import { embeddings } from './embedding.mjs'
import { message } from './message.mjs'
import { behaviourOf, models } from './model.mjs'
import { textResponse } from './text-response.mjs'

/**
 * @typedef {object} Stats
 * @property {number} requests - API requests received
 * @property {number} active - being answered now
 * @property {number} completed - answered whole
 * @property {number} failed - answered with an error, or broken off on purpose
 * @property {number} aborted - left by the client before the end
 * @property {number} tokensSent - tokens generated, aborted answers included
 */

const maxBodyBytes = 4 * 1024 * 1024

/**
 * Starts an OpenAI-compatible API on the loopback interface.
 * @param {{ port?: number, tokenDelayMs?: number }} [options]
 * @returns {Promise<{ url: string, port: number, stats: () => Stats, close: () => Promise<void> }>}
 */
export async function startFakeLlm({ port = 0, tokenDelayMs = 8 } = {}) {
  /** @type {Stats} */
  const stats = { requests: 0, active: 0, completed: 0, failed: 0, aborted: 0, tokensSent: 0 }
  const server = createServer((request, response) => {
    if (request.url === '/stats') return sendJson(response, 200, stats)
    stats.requests++
    stats.active++
    serve(request, response)
      .then(() => stats.completed++)
      .catch(error => {
        if (response.destroyed) return stats.aborted++
        stats.failed++
        if (response.headersSent) return response.destroy()
        const { status, body, headers } = error instanceof ApiError ? error : new ApiError(500, String(error))
        sendJson(response, status, body, headers)
      })
      .finally(() => stats.active--)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())

  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    port: address.port,
    stats: () => ({ ...stats }),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:http').ServerResponse} response
   */
  async function serve(request, response) {
    const endpoint = `${request.method} ${request.url?.split('?', 1)[0]}`
    if (endpoint === 'GET /v1/models') {
      const data = models.map(id => ({ id, object: 'model', created: 0, owned_by: 'fake' }))
      return sendJson(response, 200, { object: 'list', data })
    }
    const answerTo = endpoints[endpoint]
    if (!answerTo) throw new ApiError(404, `Unknown request URL: ${endpoint}.`, { code: 'unknown_url' })
    const body = await readJson(request)
    const { slowness, breaksAfterTokens } = behaviourOf(body.model)
    const { whole, chunks, tokens } = answerTo(body)
    const generate = createGenerator(response, tokenDelayMs * slowness)

    if (!body.stream || !chunks) {
      for (let token = 0; token < tokens; token++) await generate()
      return sendJson(response, 200, whole)
    }
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
    })
    let left = breaksAfterTokens
    for (const chunk of chunks()) {
      await generate()
      if (left-- <= 0) throw new Error('broken off on purpose')
      const event = 'type' in chunk ? `event: ${chunk.type}\n` : ''
      if (!response.write(`${event}data: ${JSON.stringify(chunk)}\n\n`)) await generate.drained()
    }
    response.end(endpoint === 'POST /v1/chat/completions' ? 'data: [DONE]\n\n' : undefined)
  }

  /**
   * Paces the answer; rejects as soon as the client has gone.
   * @param {import('node:http').ServerResponse} response
   * @param {number} delayMs
   */
  function createGenerator(response, delayMs) {
    const gone = new AbortController()
    const { signal } = gone
    response.once('close', () => gone.abort())
    const generate = async () => {
      if (delayMs === Number.POSITIVE_INFINITY) await once(response, 'close', { signal })
      await delay(delayMs, undefined, { signal })
      stats.tokensSent++
    }
    return Object.assign(generate, { drained: () => once(response, 'drain', { signal }) })
  }
}

/** @type {Record<string, (body: any) => { whole: object, tokens: number, chunks?: () => Iterable<any> }>} */
const endpoints = {
  'POST /v1/chat/completions': chatCompletion,
  'POST /v1/responses': textResponse,
  'POST /v1/embeddings': embeddings,
  'POST /v1/messages': message,
}

/** @param {import('node:http').IncomingMessage} request */
async function readJson(request) {
  const parts = []
  let bytes = 0
  // Reads on past the limit: an answer to a client that is still sending would be lost.
  for await (const part of request) {
    bytes += part.length
    if (bytes <= maxBodyBytes) parts.push(part)
  }
  if (bytes > maxBodyBytes) throw new ApiError(413, `The request is larger than ${maxBodyBytes} bytes.`)
  try {
    const body = JSON.parse(Buffer.concat(parts).toString())
    if (typeof body?.model === 'string') return body
  } catch {
    throw new ApiError(400, 'We could not parse the JSON body of your request.')
  }
  throw new ApiError(400, 'You must provide a model parameter.')
}

/** @param {import('node:http').ServerResponse} response @param {number} status @param {object} body */
function sendJson(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
