import type { Attributes, OtlpSpan, SpanEvent } from '../src/otlp/otlp-span.ts'
import { toObservation } from '../src/reading/observation.ts'

const read = (attributes: Attributes, more: Partial<OtlpSpan> = {}) =>
  toObservation({
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    parentSpanId: undefined,
    name: 'span name',
    startTimeMs: 1_000,
    endTimeMs: 2_000,
    attributes,
    events: [],
    links: [],
    status: { code: 0, message: '' },
    scope: 'some-instrumentation',
    resource: {},
    ...more,
  })

describe('a span of the AI SDK', () => {
  const call = {
    'ai.operationId': 'ai.streamText.doStream',
    'ai.telemetry.functionId': 'chat',
    'ai.model.id': 'gpt-5',
    'ai.prompt.messages': '[{"role":"user","content":[{"type":"text","text":"hi"}]}]',
    'ai.response.text': 'yes',
    'ai.response.msToFirstChunk': 120.4,
    'ai.usage.cachedInputTokens': 40,
    'ai.usage.reasoningTokens': 5,
    'gen_ai.usage.input_tokens': 100,
    'gen_ai.usage.output_tokens': 20,
    'ai.telemetry.metadata.userId': 'ada',
    'ai.telemetry.metadata.sessionId': 's-1',
    'ai.telemetry.metadata.tags': ['beta'],
  }

  it('is a generation with disjoint kinds of tokens', () => {
    expect(read(call, { scope: 'ai' })).toMatchObject({
      type: 'generation',
      name: 'chat:ai.streamText.doStream',
      model: 'gpt-5',
      usage: { input: 60, input_cached_tokens: 40, output: 15, output_reasoning_tokens: 5 },
      tokens: { input: 100, output: 20, total: 120 },
      completionStartTimeMs: 1_121,
      input: [{ role: 'user' }],
      output: 'yes',
      userId: 'ada',
      sessionId: 's-1',
      tags: ['beta'],
    })
  })

  it('is a span without tokens if it only contains the calls', () => {
    const outer = {
      'ai.operationId': 'ai.streamText',
      'ai.model.id': 'gpt-5',
      'ai.prompt': '{"prompt":"hi"}',
      'ai.usage.promptTokens': 100,
      'ai.response.text': 'yes',
    }
    expect(read(outer, { scope: 'ai' })).toMatchObject({
      type: 'span',
      tokens: { total: 0 },
      input: { prompt: 'hi' },
    })
  })

  it('keeps text and tool calls of one answer together', () => {
    const calls = '[{"toolCallId":"c","toolName":"f","input":{}}]'
    expect(read({ ...call, 'ai.response.toolCalls': calls }, { scope: 'ai' }).output).toEqual({
      role: 'assistant',
      content: 'yes',
      tool_calls: [{ toolCallId: 'c', toolName: 'f', input: {} }],
    })
    expect(
      read(
        { 'ai.operationId': 'ai.toolCall', 'ai.toolCall.name': 'f', 'ai.toolCall.args': '{"a":1}' },
        { scope: 'ai' },
      ),
    ).toMatchObject({ type: 'tool', name: 'f', input: { a: 1 } })
  })
})

describe('a span of OpenInference', () => {
  it('has its kind, its flattened messages and its tokens', () => {
    expect(
      read({
        'openinference.span.kind': 'LLM',
        'llm.model_name': 'gpt-5',
        'llm.invocation_parameters': '{"temperature":0.2}',
        'llm.input_messages.0.message.role': 'user',
        'llm.input_messages.0.message.content': 'hi',
        'llm.input_messages.1.message.role': 'assistant',
        'llm.input_messages.1.message.tool_calls.0.tool_call.function.name': 'f',
        'llm.output_messages.0.message.role': 'assistant',
        'llm.output_messages.0.message.content': 'yes',
        'llm.token_count.prompt': 100,
        'llm.token_count.prompt_details.cache_read': 30,
        'llm.token_count.completion': 20,
        'llm.token_count.total': 120,
      }),
    ).toMatchObject({
      type: 'generation',
      model: 'gpt-5',
      modelParameters: { temperature: 0.2 },
      input: [
        { message: { role: 'user', content: 'hi' } },
        { message: { role: 'assistant', tool_calls: [{ tool_call: { function: { name: 'f' } } }] } },
      ],
      output: [{ message: { role: 'assistant', content: 'yes' } }],
      tokens: { input: 100, output: 20, total: 120 },
    })
    expect(
      read({ 'openinference.span.kind': 'RETRIEVER', 'input.value': 'q', 'output.value': 'a' }),
    ).toMatchObject({
      type: 'retriever',
      input: 'q',
      output: 'a',
    })
  })
})

describe('a span of the GenAI conventions', () => {
  it('counts no tokens of an agent, whose calls have them', () => {
    const usage = { 'gen_ai.usage.input_tokens': 100, 'gen_ai.usage.output_tokens': 20 }
    expect(
      read({ ...usage, 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.request.model': 'm' }),
    ).toMatchObject({
      type: 'agent',
      tokens: { total: 0 },
    })
    expect(
      read({ ...usage, 'gen_ai.operation.name': 'chat', 'gen_ai.usage.cache_read.input_tokens': 60 }),
    ).toMatchObject({
      type: 'generation',
      usage: { input: 40, input_cached_tokens: 60, output: 20 },
      tokens: { input: 100, output: 20, total: 120 },
    })
  })

  it('has a tool by its name, and request parameters', () => {
    expect(read({ 'gen_ai.tool.name': 'find', 'gen_ai.tool.call.arguments': '{"a":1}' })).toMatchObject({
      type: 'tool',
      name: 'find',
      input: { a: 1 },
    })
    expect(read({ 'gen_ai.request.model': 'm', 'gen_ai.request.temperature': 0.5 }).modelParameters).toEqual({
      temperature: 0.5,
    })
  })

  it('has messages that are recorded as events', () => {
    const events: SpanEvent[] = [
      { name: 'gen_ai.user.message', timeMs: 1, attributes: { content: 'hi' } },
      { name: 'gen_ai.choice', timeMs: 2, attributes: { message: 'yes' } },
    ]
    expect(read({ 'gen_ai.operation.name': 'chat' }, { events })).toMatchObject({
      input: [{ role: 'user', content: 'hi' }],
      output: { message: 'yes' },
    })
  })
})

describe('what Langfuse names itself', () => {
  it('wins over every other name', () => {
    expect(
      read({
        'langfuse.observation.type': 'chain',
        'langfuse.observation.input': 'own',
        'langfuse.observation.usage_details': '{"input":1}',
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.usage.input_tokens': 9,
        'input.value': 'other',
      }),
    ).toMatchObject({ type: 'chain', input: 'own', usage: { input: 1 } })
  })
})
