import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type FakeResponse, serve } from './support/fake-provider.ts'
import { type RecordedCall, recordCalls } from './support/recorded-calls.ts'

interface ExpectedCall {
  readonly type: string
  readonly model?: string | readonly string[]
  readonly operation?: string
  readonly provider?: string
  /** Texts that the input holds. */
  readonly input?: readonly string[]
  /** The text of the message. */
  readonly output?: string
  readonly outputIncludes?: readonly string[]
  readonly outputExcludes?: readonly string[]
  /** Texts that stand nowhere. */
  readonly excludes?: readonly string[]
  readonly reasoning?: string
  /** Sums of buckets; null if none may be told. */
  readonly usage?: Readonly<Record<string, number>> | null
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: unknown }[]
  readonly finishReason?: string
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly figures?: Readonly<Record<string, number>>
  readonly firstToken?: boolean
  readonly costUsd?: number
  readonly error?: string
}

interface Exchange {
  readonly name: string
  readonly request: {
    readonly path: string
    readonly method?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: unknown
    /** The body as it is, in place of JSON. */
    readonly form?: Readonly<Record<string, string>>
    readonly streamed?: boolean
  }
  readonly response: FakeResponse
  readonly call: ExpectedCall | null
}

const FOLDER = join(__dirname, 'exchanges')
const KEY = 'sk-not-a-real-key'
const BUCKETS: Readonly<Record<string, readonly string[]>> = {
  cached: ['input_cached_tokens'],
  cacheWrite: ['input_cache_creation', 'input_cache_creation_5m', 'input_cache_creation_1h'],
  reasoning: ['output_reasoning_tokens'],
}

const exchanges = readdirSync(FOLDER).flatMap(file =>
  (JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Exchange[]).map(
    exchange => [`${file.replace('.json', '')}: ${exchange.name}`, exchange] as const,
  ),
)

async function exchanged({ request, response }: Exchange): Promise<RecordedCall[]> {
  const provider = await serve(response)
  const recording = recordCalls()
  const { body, form } = request
  const json = body === undefined ? undefined : JSON.stringify(body)
  const headers = {
    ...(json !== undefined && { 'content-type': 'application/json' }),
    ...request.headers,
  }
  try {
    const answer = await fetch(provider.url + request.path, {
      method: request.method ?? 'POST',
      headers,
      ...(form !== undefined && { body: formOf(form) }),
      ...(json !== undefined && { body: request.streamed ? inPieces(json) : json, duplex: 'half' }),
    } as RequestInit).catch(() => undefined)
    await answer?.arrayBuffer().catch(() => undefined)
    if (recording.calls.length > 0) await recording.ended()
    expect(recording.faults).toEqual([])
    return recording.calls
  } finally {
    recording.stop()
    await provider.close()
  }
}

function inPieces(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of text.match(/.{1,20}/gs) ?? []) controller.enqueue(Buffer.from(piece))
      controller.close()
    },
  })
}

function formOf(fields: Readonly<Record<string, string>>): FormData {
  const form = new FormData()
  form.append('file', new Blob([Buffer.alloc(3_000, 7)]), 'speech.wav')
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  return form
}

function textOf(output: unknown): unknown {
  if (typeof output === 'string' || output === undefined) return output
  return (output as { content?: unknown }).content
}

function toolCallsOf(output: unknown): unknown[] {
  const { tool_calls: calls = [] } = (output ?? {}) as {
    tool_calls?: {
      function?: { name: string; arguments: string }
      custom?: { name: string; input: string }
    }[]
  }
  return calls.map(({ function: called, custom }) => ({
    name: called?.name ?? custom?.name,
    arguments: called ? JSON.parse(called.arguments) : custom?.input,
  }))
}

function summed(
  usage: Readonly<Record<string, number>> | undefined,
  expected: object,
): Record<string, number> {
  return Object.fromEntries(
    Object.keys(expected).map(name => [
      name,
      (BUCKETS[name] ?? [name]).reduce((sum, bucket) => sum + (usage?.[bucket] ?? 0), 0),
    ]),
  )
}

describe.each(exchanges)('%s', (_name, exchange) => {
  let calls: RecordedCall[]

  beforeAll(async () => {
    calls = await exchanged(exchange)
  })

  const { call: expected } = exchange
  if (expected === null) {
    it('is no call', () => expect(calls).toEqual([]))
    return
  }

  it('is one call, as expected', () => {
    expect(calls).toHaveLength(1)
    const [{ call, content, input }] = calls as [RecordedCall]
    const { output } = content
    expect(call.type).toBe(expected.type)
    if (expected.operation) expect(call.operation).toBe(expected.operation)
    if (expected.provider) expect(call.provider).toBe(expected.provider)
    if (expected.model) expect([expected.model].flat()).toContain(content.model ?? call.requestModel)
    for (const text of expected.input ?? []) expect(JSON.stringify(input)).toContain(text)
    if (expected.output !== undefined) expect(String(textOf(output)).trim()).toBe(expected.output.trim())
    for (const text of expected.outputIncludes ?? []) expect(JSON.stringify(output)).toContain(text)
    for (const text of expected.outputExcludes ?? []) expect(JSON.stringify(output ?? '')).not.toContain(text)
    if (expected.reasoning) expect(content.reasoning).toBe(expected.reasoning)
    if (expected.usage === null) expect(content.usage).toBeUndefined()
    else if (expected.usage) expect(summed(content.usage, expected.usage)).toEqual(expected.usage)
    if (expected.toolCalls) expect(toolCallsOf(output)).toEqual(expected.toolCalls)
    if (expected.finishReason) expect(content.finishReason).toBe(expected.finishReason)
    expect({ ...call.parameters, ...content.parameters }).toMatchObject(expected.parameters ?? {})
    if (expected.figures) expect(content.figures).toEqual(expected.figures)
    if (expected.firstToken !== undefined) expect(call.firstTokenAt !== undefined).toBe(expected.firstToken)
    if (expected.costUsd !== undefined) expect(content.costUsd).toBeCloseTo(expected.costUsd, 9)
    if (expected.error === undefined) expect(call.error).toBeUndefined()
    else expect(call.error).toContain(expected.error)
  })

  it('keeps its key, and what stands nowhere, to itself', () => {
    const [{ call, content, input }] = calls as [RecordedCall]
    const told = JSON.stringify([call, content, input])
    expect(told).not.toContain(KEY)
    // Media are data URIs, which go another way.
    const withoutMedia = told.replaceAll(/data:[\w/.-]+;base64,[\w+/=-]+/g, '')
    for (const text of expected.excludes ?? []) expect(withoutMedia).not.toContain(text)
  })
})
