import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

interface ChatRequest {
  readonly model: string
  readonly messages: readonly { readonly content: unknown }[]
  readonly stream?: boolean
  readonly stream_options?: { readonly include_usage?: boolean }
}

/** What a fake LLM does besides answering. */
export interface FakeLlmOptions {
  /** Statuses of the first requests. */
  readonly failures?: readonly number[]
  /** Between two tokens. */
  readonly gapMs?: number
  /** Closes the connection after so many tokens. */
  readonly cutAfter?: number
  readonly gzip?: boolean
}

export interface FakeLlm {
  /** With `/v1`. */
  readonly url: string
  readonly asked: ChatRequest[]
  close(): Promise<void>
}

const KEY = 'sk-not-a-real-key'

/**
 * An LLM server that speaks OpenAI's chat completions and embeddings. It answers `You said: ` and the question, as the model that was asked
 * for and a date, and refuses what OpenAI refuses: another key, no messages.
 */
export async function startFakeLlm(options: FakeLlmOptions = {}): Promise<FakeLlm> {
  const { failures = [], gapMs = 1, cutAfter = Number.POSITIVE_INFINITY, gzip = false } = options
  const asked: ChatRequest[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = JSON.parse(Buffer.concat(chunks).toString()) as ChatRequest & { input?: string[] }
    const serial = asked.push(body)
    const failure = failures[serial - 1]
    const json = (status: number, value: unknown) => {
      const text = Buffer.from(JSON.stringify(value))
      response.writeHead(status, {
        'content-type': 'application/json',
        ...(gzip && { 'content-encoding': 'gzip' }),
      })
      response.end(gzip ? gzipSync(text) : text)
    }
    if (request.headers.authorization !== `Bearer ${KEY}`) {
      return json(401, { error: { message: `Incorrect API key provided: ${request.headers.authorization}` } })
    }
    if (failure !== undefined) return json(failure, { error: { message: 'Rate limit reached' } })
    const model = `${body.model}-2025-04-14`
    if (request.url === '/v1/embeddings') {
      const data = body.input?.map((_, index) => ({ object: 'embedding', index, embedding: [0.1, 0.2] }))
      return json(200, { object: 'list', model, data, usage: { prompt_tokens: 5, total_tokens: 5 } })
    }
    if (!Array.isArray(body.messages)) return json(400, { error: { message: 'messages is required' } })
    const id = `chatcmpl-${serial}-${body.model}`
    const question = textOf(body.messages.at(-1)?.content)
    const answer = `You said: ${question}`
    const usage = { prompt_tokens: question.length, completion_tokens: 7, total_tokens: question.length + 7 }
    if (!body.stream) {
      const message = { role: 'assistant', content: answer }
      return json(200, {
        id,
        object: 'chat.completion',
        created: 1,
        model,
        choices: [{ index: 0, message, finish_reason: 'stop' }],
        usage,
      })
    }
    const event = (choices: unknown[], more = {}) =>
      response.write(
        `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created: 1, model, choices, ...more })}\n\n`,
      )
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const [index, word] of answer.split(/(?<= )/).entries()) {
      if (index === cutAfter) return request.socket.destroy()
      event([
        {
          index: 0,
          delta: { ...(index === 0 && { role: 'assistant' }), content: word },
          finish_reason: null,
        },
      ])
      await wait(gapMs)
    }
    event([{ index: 0, delta: {}, finish_reason: 'stop' }])
    if (body.stream_options?.include_usage) event([], { usage })
    response.end('data: [DONE]\n\n')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

/** Asks a fake LLM by `fetch`. */
export function ask(
  url: string,
  question: string,
  more: object = {},
  init: RequestInit = {},
): Promise<Response> {
  return fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4.1-mini', messages: [{ role: 'user', content: question }], ...more }),
    ...init,
  })
}

export { KEY as LLM_KEY }

function textOf(content: unknown): string {
  return typeof content === 'string'
    ? content
    : String((content as { text?: string }[] | undefined)?.[0]?.text)
}
