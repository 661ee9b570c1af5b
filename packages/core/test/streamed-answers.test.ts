import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import fc from 'fast-check'
import { answeredRequest } from './answered-request.ts'

let recorder: Recorder

beforeAll(() => {
  recorder = recordTraces()
})

afterEach(() => recorder.clear())

afterAll(() => recorder.close())

const event = (data: object): string =>
  `event: ${(data as { type?: string }).type ?? 'message'}\ndata: ${JSON.stringify(data)}\n\n`
const chat = (delta: object): string =>
  `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [{ index: 0, delta }] })}\n\n`

const WEATHER = {
  role: 'assistant',
  content: 'Grüße aus Zürich 🌦️: ',
  tool_calls: [
    { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Zürich"}' } },
    { id: 'call_2', type: 'function', function: { name: 'time', arguments: '{"zone":"CET"}' } },
  ],
}

/** One answer, as each API streams it. */
const streams: Record<string, string> = {
  "OpenAI's chat completions": [
    ': OPENROUTER PROCESSING\n\n',
    chat({ role: 'assistant', content: '' }),
    chat({ reasoning_content: 'hm' }),
    chat({ content: 'Grüße aus ' }),
    chat({ content: 'Zürich 🌦️: ' }),
    chat({ tool_calls: [{ index: 0, id: 'call_1', function: { name: 'weather', arguments: '' } }] }),
    chat({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }),
    chat({
      tool_calls: [{ index: 1, id: 'call_2', function: { name: 'time', arguments: '{"zone":"CET"}' } }],
    }),
    chat({ tool_calls: [{ index: 0, function: { arguments: '"Zürich"}' } }] }),
    'data: {"choices":[],"usage":{"total_tokens":3}}\n\n',
    'data: [DONE]\n\n',
  ].join(''),
  "OpenAI's responses": [
    event({ type: 'response.created', response: { id: 'r', instructions: 'be kind' } }),
    event({ type: 'response.reasoning_summary_text.delta', delta: 'hm' }),
    event({ type: 'response.output_text.delta', output_index: 0, delta: 'Grüße aus ' }),
    event({ type: 'response.output_text.delta', output_index: 0, delta: 'Zürich 🌦️: ' }),
    event({
      type: 'response.output_item.added',
      output_index: 1,
      item: { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'weather', arguments: '' },
    }),
    event({ type: 'response.function_call_arguments.delta', output_index: 1, delta: '{"city":' }),
    event({
      type: 'response.output_item.added',
      output_index: 2,
      item: { type: 'function_call', id: 'fc_2', call_id: 'call_2', name: 'time', arguments: '' },
    }),
    event({ type: 'response.function_call_arguments.delta', output_index: 2, delta: '{"zone":"CET"}' }),
    event({ type: 'response.function_call_arguments.delta', output_index: 1, delta: '"Zürich"}' }),
    event({ type: 'response.completed', response: { id: 'r', output: [] } }),
  ].join(''),
  "Anthropic's messages": [
    event({ type: 'message_start', message: { role: 'assistant', content: [] } }),
    event({ type: 'ping' }),
    event({ type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } }),
    event({ type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } }),
    event({ type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } }),
    event({ type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Grüße aus ' } }),
    event({ type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Zürich 🌦️: ' } }),
    event({
      type: 'content_block_start',
      index: 2,
      content_block: { type: 'tool_use', id: 'call_1', name: 'weather', input: {} },
    }),
    event({
      type: 'content_block_delta',
      index: 2,
      delta: { type: 'input_json_delta', partial_json: '{"city":' },
    }),
    event({
      type: 'content_block_delta',
      index: 2,
      delta: { type: 'input_json_delta', partial_json: '"Zürich"}' },
    }),
    event({
      type: 'content_block_start',
      index: 3,
      content_block: { type: 'tool_use', id: 'call_2', name: 'time', input: {} },
    }),
    event({
      type: 'content_block_delta',
      index: 3,
      delta: { type: 'input_json_delta', partial_json: '{"zone":"CET"}' },
    }),
    event({ type: 'message_delta', delta: { stop_reason: 'tool_use' } }),
    event({ type: 'message_stop' }),
  ].join(''),
  "the AI SDK's UI messages": [
    { type: 'start', messageId: 'm' },
    { type: 'start-step' },
    { type: 'reasoning-start', id: 'r' },
    { type: 'reasoning-delta', id: 'r', delta: 'hm' },
    { type: 'text-start', id: 't' },
    { type: 'text-delta', id: 't', delta: 'Grüße aus ' },
    { type: 'text-delta', id: 't', delta: 'Zürich 🌦️: ' },
    { type: 'text-end', id: 't' },
    { type: 'tool-input-start', toolCallId: 'call_1', toolName: 'weather' },
    { type: 'tool-input-delta', toolCallId: 'call_1', inputTextDelta: '{"ci' },
    { type: 'tool-input-available', toolCallId: 'call_1', toolName: 'weather', input: { city: 'Zürich' } },
    { type: 'tool-input-available', toolCallId: 'call_2', toolName: 'time', input: { zone: 'CET' } },
    { type: 'tool-output-available', toolCallId: 'call_1', output: { rain: true } },
    { type: 'data-progress', data: { percent: 50 } },
    { type: 'finish' },
  ]
    .map(data => `data: ${JSON.stringify(data)}\n\n`)
    .concat('data: [DONE]\n\n')
    .join(''),
}

async function outputOf(chunks: readonly (string | Uint8Array)[], maxBytes?: number): Promise<unknown> {
  const { output } = await answeredRequest(
    recorder,
    { responseBody: true, ...(maxBytes !== undefined && { maxBytes }) },
    {},
    response => {
      response.setHeader('content-type', 'text/event-stream; charset=utf-8')
      for (const chunk of chunks) response.write(chunk)
      response.end()
    },
  )
  return output
}

describe.each(Object.entries(streams))('%s', (_name, stream) => {
  it('are put together, tool calls included', async () => {
    expect(await outputOf([stream])).toEqual(WEATHER)
  })

  it('give the same answer however they are cut into chunks, and whatever ends their lines', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.array(fc.nat({ max: Buffer.byteLength(stream) + 200 }), { maxLength: 40 }),
        async (lineEnd, cuts) => {
          const bytes = Buffer.from(stream.replaceAll('\n', lineEnd))
          const ends = [...cuts.filter(cut => cut < bytes.length).sort((a, b) => a - b), bytes.length]
          const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
          expect(await outputOf(chunks)).toEqual(WEATHER)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('give the same answer byte by byte', async () => {
    const bytes = Buffer.from(stream)
    expect(await outputOf(Array.from(bytes, (_, index) => bytes.subarray(index, index + 1)))).toEqual(WEATHER)
  })

  it('are cut at the bound, and say so', async () => {
    const output = (await outputOf([stream], 10)) as typeof WEATHER
    expect(output.content).toBe('Grüße au [cut: 19 of 29 bytes]')
  })
})

it('joins deltas of plain text, whatever the app calls them', async () => {
  expect(await outputOf(['data: Hel\n\ndata: lo\n\ndata: 1\n\n'])).toEqual({
    role: 'assistant',
    content: 'Hello1',
  })
  expect(await outputOf(['data: {"token":"Hel"}\n\n', 'data: {"token":"lo"}\n\n'])).toEqual({
    role: 'assistant',
    content: 'Hello',
  })
  expect(await outputOf(['data: "Hel"\n\n', 'data: "lo"\n\n'])).toEqual({
    role: 'assistant',
    content: 'Hello',
  })
})

it('shows events of another kind as they are, as many as fit', async () => {
  const events = Array.from({ length: 50 }, (_, step) => `data: ${JSON.stringify({ step })}\n\n`)
  expect(await outputOf(events.slice(0, 2))).toEqual([{ step: 0 }, { step: 1 }])
  expect(await outputOf(events, 30)).toEqual([{ step: 0 }, { step: 1 }, { step: 2 }, '[cut: 47 more]'])
})

it('shows each of several choices', async () => {
  const choice = (index: number, content: string) =>
    `data: ${JSON.stringify({ choices: [{ index, delta: { content } }] })}\n\n`
  expect(await outputOf([choice(0, 'yes'), choice(1, 'no'), choice(0, '!')])).toEqual([
    { role: 'assistant', content: 'yes!' },
    { role: 'assistant', content: 'no' },
  ])
})

it.each(['whole', 'in pieces'])(
  'passes over an event larger than the bound that comes %s, and reads on',
  async how => {
    const huge = event({ type: 'response.created', response: { instructions: 'x'.repeat(200_000) } })
    const rest =
      event({ type: 'response.output_text.delta', delta: 'hi' }) +
      event({ type: 'response.output_text.delta', delta: '!' })
    const bytes = Buffer.from(huge + rest)
    const size = how === 'whole' ? bytes.length : 1_001
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    )
    expect(await outputOf(chunks, 1_000)).toEqual({ role: 'assistant', content: 'hi!' })
  },
)

it('blanks credentials in the arguments of a tool call', async () => {
  const call = {
    index: 0,
    id: 'c',
    function: { name: 'login', arguments: '{"user":"ada","password":"hun\\"ter2","pin": 1234}' },
  }
  expect(await outputOf([chat({ tool_calls: [call] })])).toMatchObject({
    tool_calls: [{ function: { arguments: '{"user":"ada","password":"[redacted]","pin":"[redacted]"}' } }],
  })
})

it('names what a stream says went wrong in it', async () => {
  const { output, metadata } = await answeredRequest(recorder, { responseBody: true }, {}, response => {
    response.setHeader('content-type', 'text/event-stream')
    response.write(event({ type: 'content_block_delta', delta: { text: 'Hel' } }))
    response.write(event({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }))
    response.end()
  })
  expect(output).toEqual({ role: 'assistant', content: 'Hel' })
  expect(metadata).toMatchObject({ streamError: 'Overloaded', chunks: 2 })
})

it('takes events that are not what they should be for what they are', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.json(),
          fc
            .record(
              {
                type: fc.constantFrom(
                  'content_block_delta',
                  'response.output_item.added',
                  'tool-input-available',
                  'error',
                ),
                choices: fc.jsonValue(),
                delta: fc.jsonValue(),
                item: fc.jsonValue(),
                input: fc.jsonValue(),
                content_block: fc.jsonValue(),
                index: fc.jsonValue(),
              },
              { requiredKeys: [] },
            )
            .map(data => JSON.stringify(data)),
        ),
        { maxLength: 8 },
      ),
      async events => {
        await outputOf(events.map(data => `data: ${data}\n\n`))
      },
    ),
    { numRuns: 100 },
  )
  expect(recorder.tracing.stats().warnings).toEqual({})
})
