import type { Attributes } from '@opentelemetry/api'
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { createMirrorExporter } from '../src/mirrors/mirror-exporter.ts'
import { openinference } from '../src/mirrors/openinference.ts'
import { otel } from '../src/mirrors/otel.ts'

const OBSERVATION = 'langfuse.observation'

function spanWith(attributes: Attributes): ReadableSpan {
  return {
    name: 'call',
    kind: 0,
    spanContext: () => ({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }),
    startTime: [1, 0],
    endTime: [2, 0],
    status: { code: 0 },
    attributes,
    links: [],
    events: [],
    duration: [1, 0],
    ended: true,
    resource: {} as never,
    instrumentationScope: { name: 'langfuse-sdk' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

function generation(input: unknown, output: unknown = 'fine', more: Attributes = {}): ReadableSpan {
  return spanWith({
    [`${OBSERVATION}.type`]: 'generation',
    [`${OBSERVATION}.input`]: typeof input === 'string' ? input : JSON.stringify(input),
    [`${OBSERVATION}.output`]: typeof output === 'string' ? output : JSON.stringify(output),
    ...more,
  })
}

const text = (content: string) => ({ type: 'text', content })
const user = { role: 'user', parts: [text('hi')] }
const call = { type: 'tool_call', id: 'c1', name: 'weather', arguments: { city: 'Rome' } }
const result = { type: 'tool_call_response', id: 'c1', response: 'sunny' }

describe('the messages of a generation', () => {
  it.each<[string, unknown, unknown, unknown]>([
    ['text', 'hi', undefined, [user]],
    [
      'a text of broken JSON',
      '{"messages":[{"ro',
      undefined,
      [{ role: 'user', parts: [text('{"messages":[{"ro')] }],
    ],
    ['a list of messages', [{ role: 'user', content: 'hi' }], undefined, [user]],
    [
      "OpenAI's chat",
      {
        messages: [
          { role: 'system', content: 'be brief' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'hi' },
              { type: 'image_url', image_url: { url: 'https://a/b.png' } },
            ],
          },
          {
            role: 'assistant',
            content: null,
            tool_calls: [
              { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
            ],
          },
          { role: 'tool', tool_call_id: 'c1', content: 'sunny' },
        ],
      },
      undefined,
      [
        { role: 'system', parts: [text('be brief')] },
        { role: 'user', parts: [text('hi'), { type: 'uri', modality: 'image', uri: 'https://a/b.png' }] },
        { role: 'assistant', parts: [call] },
        { role: 'tool', parts: [result] },
      ],
    ],
    [
      "OpenAI's responses",
      {
        instructions: 'be brief',
        input: [
          { role: 'user', content: [{ type: 'input_text', text: 'hi' }] },
          { type: 'reasoning', id: 'r1', summary: [], encrypted_content: 'x' },
          { type: 'reasoning', id: 'r2', summary: [{ type: 'summary_text', text: 'hm' }] },
          { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{"city":"Rome"}' },
          { type: 'function_call_output', call_id: 'c1', output: 'sunny' },
        ],
      },
      [text('be brief')],
      [
        user,
        { role: 'assistant', parts: [{ type: 'reasoning', content: 'hm' }] },
        { role: 'assistant', parts: [call] },
        { role: 'tool', parts: [result] },
      ],
    ],
    [
      "Anthropic's messages",
      {
        system: [{ type: 'text', text: 'be brief' }],
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'hi' },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
            ],
          },
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'hm' },
              { type: 'tool_use', id: 'c1', name: 'weather', input: { city: 'Rome' } },
            ],
          },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1', content: 'sunny' }] },
        ],
      },
      [text('be brief')],
      [
        {
          role: 'user',
          parts: [text('hi'), { type: 'blob', modality: 'image', mime_type: 'image/png', content: 'AAAA' }],
        },
        { role: 'assistant', parts: [{ type: 'reasoning', content: 'hm' }, call] },
        { role: 'user', parts: [result] },
      ],
    ],
    [
      "Gemini's contents",
      {
        systemInstruction: { parts: [{ text: 'be brief' }] },
        contents: [
          { role: 'user', parts: [{ text: 'hi' }] },
          { role: 'model', parts: [{ functionCall: { id: 'c1', name: 'weather', args: { city: 'Rome' } } }] },
          { role: 'user', parts: [{ functionResponse: { id: 'c1', name: 'weather', response: 'sunny' } }] },
        ],
      },
      [text('be brief')],
      [user, { role: 'assistant', parts: [call] }, { role: 'user', parts: [result] }],
    ],
    [
      "Bedrock's converse",
      {
        system: [{ text: 'be brief' }],
        messages: [
          { role: 'user', content: [{ text: 'hi' }] },
          {
            role: 'assistant',
            content: [{ toolUse: { toolUseId: 'c1', name: 'weather', input: { city: 'Rome' } } }],
          },
          { role: 'user', content: [{ toolResult: { toolUseId: 'c1', content: 'sunny' } }] },
        ],
      },
      [text('be brief')],
      [user, { role: 'assistant', parts: [call] }, { role: 'user', parts: [result] }],
    ],
  ])('are read of %s', (_form, input, instructions, messages) => {
    const { attributes } = otel(generation(input), { contents: true })
    const read = (name: string) => attributes[name] && JSON.parse(String(attributes[name]))
    expect(read('gen_ai.system_instructions')).toEqual(instructions)
    expect(read('gen_ai.input.messages')).toEqual(messages)
  })

  it('tell tool calls and reasoning of the answer', () => {
    const output = {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
      ],
    }
    const span = generation('hi', output, {
      [`${OBSERVATION}.metadata.reasoning`]: 'hm',
      [`${OBSERVATION}.metadata.finishReason`]: 'tool_calls',
    })
    const { attributes } = otel(span, { contents: true })
    expect(JSON.parse(String(attributes['gen_ai.output.messages']))).toEqual([
      { role: 'assistant', parts: [{ type: 'reasoning', content: 'hm' }, call], finish_reason: 'tool_calls' },
    ])
    expect(openinference(span, { contents: true }).attributes).toMatchObject({
      'llm.output_messages.0.message.tool_calls.0.tool_call.id': 'c1',
      'llm.output_messages.0.message.tool_calls.0.tool_call.function.name': 'weather',
      'llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments': '{"city":"Rome"}',
    })
  })
})

describe('the usage of a call', () => {
  it.each([
    [
      {
        input: 10,
        input_cached_tokens: 5,
        input_cache_creation_5m: 3,
        output: 4,
        output_reasoning_tokens: 2,
        total: 24,
      },
    ],
    [
      {
        input_tokens: 10,
        cache_read_input_tokens: 5,
        cache_creation_input_tokens: 3,
        output_tokens: 4,
        output_reasoning_tokens: 2,
      },
    ],
  ])('includes cached and reasoning tokens in the sums: %j', usage => {
    const span = generation('hi', 'fine', { [`${OBSERVATION}.usage_details`]: JSON.stringify(usage) })
    expect(otel(span, { contents: true }).attributes).toMatchObject({
      'gen_ai.usage.input_tokens': 18,
      'gen_ai.usage.output_tokens': 6,
      'gen_ai.usage.cache_read.input_tokens': 5,
      'gen_ai.usage.cache_creation.input_tokens': 3,
      'gen_ai.usage.reasoning.output_tokens': 2,
    })
    expect(openinference(span, { contents: true }).attributes).toMatchObject({
      'llm.token_count.prompt': 18,
      'llm.token_count.prompt_details.cache_read': 5,
      'llm.token_count.prompt_details.cache_write': 3,
      'llm.token_count.completion_details.reasoning': 2,
    })
  })

  it('is absent if the provider sent none', () => {
    const { attributes } = otel(generation('hi'), { contents: true })
    expect(Object.keys(attributes).filter(name => name.includes('usage'))).toEqual([])
  })
})

describe('a copy for a mirror', () => {
  it("leaves the span and another instrumentation's names alone", () => {
    const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm', 'ai.prompt': 'secret' }
    const span = { ...spanWith({ ...attributes }), kind: 2 }
    for (const dialect of [otel, openinference]) {
      expect(dialect(span, { contents: true })).toMatchObject({ name: 'call', kind: 2, attributes })
    }
    expect(span.attributes).toEqual(attributes)
  })

  it('lacks the contents of other conventions, in attributes and events, with contents: false', () => {
    const span: ReadableSpan = {
      ...spanWith({
        'ai.prompt': 'secret',
        'llm.input_messages.0.message.content': 'secret',
        'retrieval.documents.0.document.content': 'secret',
        'gen_ai.request.model': 'm',
      }),
      status: { code: 2, message: 'secret' },
      events: [
        {
          name: 'exception',
          time: [1, 0],
          attributes: { 'exception.message': 'secret', 'exception.type': 'E' },
        },
      ],
    }
    const exporter = new InMemorySpanExporter()
    createMirrorExporter(exporter, { dialect: 'otel', contents: false }, () => {}).export([span], () => {})
    const [copy] = exporter.getFinishedSpans()
    expect(copy).toMatchObject({
      attributes: { 'gen_ai.request.model': 'm' },
      status: { code: 2 },
      events: [{ attributes: { 'exception.type': 'E' } }],
    })
    expect(JSON.stringify(copy)).not.toContain('secret')
  })

  it("keeps Langfuse's names, and reports the error, if a span cannot be rewritten", () => {
    const broken = generation('secret')
    const span = Object.defineProperty({ ...broken }, 'status', {
      get: jest
        .fn(() => ({ code: 0 }))
        .mockImplementationOnce(() => {
          throw new Error('no status')
        }),
    })
    const exporter = new InMemorySpanExporter()
    const faults: unknown[] = []
    createMirrorExporter(exporter, { dialect: 'otel', contents: false }, fault => faults.push(fault)).export(
      [span],
      () => {},
    )
    expect(faults).toEqual([new Error('no status')])
    expect(exporter.getFinishedSpans()[0]?.attributes).toEqual({ [`${OBSERVATION}.type`]: 'generation' })
  })
})
