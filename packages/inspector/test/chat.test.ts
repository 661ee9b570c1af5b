import { readChat } from '../src/reading/chat/read-chat.ts'

/** Roles with what their parts say, and the fields that are shown beside them. */
const read = (value: unknown): unknown => {
  const conversation = readChat(value)
  return (
    conversation && {
      messages: conversation.messages.map(({ role, parts, other }) => [
        role,
        ...parts.map(({ kind, ...rest }) => [
          kind,
          ...Object.values(rest).filter(part => part !== undefined),
        ]),
        ...(Object.keys(other).length > 0 ? [other] : []),
      ]),
      ...(Object.keys(conversation.other).length > 0 && { other: conversation.other }),
    }
  )
}

describe('a conversation', () => {
  it('of OpenAI keeps every field of the request and of each message', () => {
    const tools = [{ type: 'function', function: { name: 'f' } }]
    expect(
      read({
        model: 'gpt-5',
        temperature: 0.2,
        tools,
        response_format: { type: 'json_object' },
        messages: [
          { role: 'system', content: 'Q: 2*3*4\n\tA:', name: 'guide' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'hi', cache_control: { type: 'ephemeral' } },
              { type: 'image_url', image_url: { url: 'https://a.example/u.png' } },
              { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
            ],
          },
          {
            role: 'assistant',
            content: null,
            reasoning_content: 'hmm',
            tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
          },
          { role: 'tool', tool_call_id: 'c1', content: '{"a":1}' },
        ],
      }),
    ).toEqual({
      messages: [
        ['system', ['text', 'Q: 2*3*4\n\tA:'], { name: 'guide' }],
        [
          'user',
          ['text', 'hi'],
          ['image', 'https://a.example/u.png'],
          ['image', 'data:wav;base64,AAAA'],
          { 'content[0]': { cache_control: { type: 'ephemeral' } } },
        ],
        ['assistant', ['thinking', 'hmm'], ['call', 'f', { a: 1 }, 'c1']],
        ['tool', ['result', 'c1', { a: 1 }]],
      ],
      other: { model: 'gpt-5', temperature: 0.2, tools, response_format: { type: 'json_object' } },
    })
  })

  it('is read from each choice of a response, refusals too', () => {
    expect(
      read({
        id: 'x',
        choices: [
          { index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'yes', refusal: null } },
          { index: 1, message: { role: 'assistant', content: null, refusal: 'I cannot' } },
        ],
        usage: { total_tokens: 3 },
      }),
    ).toEqual({
      messages: [
        ['assistant', ['text', 'yes'], { refusal: null, index: 0, finish_reason: 'stop' }],
        ['assistant', ['refusal', 'I cannot'], { index: 1 }],
      ],
      other: { id: 'x', usage: { total_tokens: 3 } },
    })
  })

  it('of the Responses API has its items, and instructions first', () => {
    expect(
      read({
        model: 'gpt-5',
        instructions: 'be brief',
        input: [
          { role: 'user', content: [{ type: 'input_text', text: 'hi' }] },
          { type: 'reasoning', id: 'r', summary: [{ type: 'summary_text', text: 'hmm' }] },
          { type: 'function_call', call_id: 'c', id: 'fc', name: 'f', arguments: '{"a":1}' },
          { type: 'function_call_output', call_id: 'c', output: 'done' },
          { type: 'web_search_call', status: 'completed' },
        ],
      }),
    ).toEqual({
      messages: [
        ['system', ['text', 'be brief']],
        ['user', ['text', 'hi']],
        ['assistant', ['thinking', 'hmm'], { id: 'r' }],
        ['assistant', ['call', 'f', { a: 1 }, 'c']],
        ['tool', ['result', 'c', 'done']],
        ['assistant', ['other', { type: 'web_search_call', status: 'completed' }]],
      ],
      other: { model: 'gpt-5' },
    })
    expect(
      read({
        output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'a' }] }],
      }),
    ).toEqual({ messages: [['assistant', ['text', 'a'], { type: 'message' }]] })
    expect(read({ model: 'gpt-5', input: 'a question' })).toEqual({
      messages: [['user', ['text', 'a question']]],
      other: { model: 'gpt-5' },
    })
  })

  it('of Gemini has contents, thoughts, calls and candidates', () => {
    expect(
      read({
        systemInstruction: { parts: [{ text: 'be brief' }] },
        contents: [
          { parts: [{ text: 'hi' }, { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } }] },
          {
            role: 'model',
            parts: [{ text: 'hmm', thought: true }, { functionCall: { name: 'f', args: { a: 1 } } }],
          },
          { role: 'user', parts: [{ functionResponse: { name: 'f', response: { b: 2 } } }] },
        ],
        generationConfig: { temperature: 0 },
      }),
    ).toEqual({
      messages: [
        ['system', ['text', 'be brief']],
        ['user', ['text', 'hi'], ['image', 'data:image/png;base64,iVBORw0KGgo=']],
        ['model', ['thinking', 'hmm'], ['call', 'f', { a: 1 }]],
        ['user', ['result', 'f', { b: 2 }]],
      ],
      other: { generationConfig: { temperature: 0 } },
    })
    expect(
      read({ candidates: [{ content: { parts: [{ text: 'yes' }], role: 'model' }, finishReason: 'STOP' }] }),
    ).toEqual({ messages: [['model', ['text', 'yes'], { finishReason: 'STOP' }]] })
  })

  it('of Anthropic has thinking, tool use and tool results', () => {
    expect(
      read({
        system: [{ type: 'text', text: 'be brief' }],
        messages: [
          {
            role: 'user',
            content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'x' } }],
          },
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'hmm', signature: 's' },
              { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } },
            ],
          },
          {
            role: 'user',
            content: [{ type: 'tool_result', tool_use_id: 't', content: 'ok', is_error: true }],
          },
        ],
      }),
    ).toEqual({
      messages: [
        ['system', ['text', 'be brief']],
        ['user', ['image', 'data:image/png;base64,x']],
        [
          'assistant',
          ['thinking', 'hmm'],
          ['call', 'f', { a: 1 }, 't'],
          { 'content[0]': { signature: 's' } },
        ],
        ['user', ['result', 't', 'ok'], { 'content[0]': { is_error: true } }],
      ],
    })
    expect(
      read({ id: 'm', role: 'assistant', content: [{ type: 'text', text: 'a' }], stop_reason: 'end_turn' }),
    ).toEqual({ messages: [['assistant', ['text', 'a'], { id: 'm', stop_reason: 'end_turn' }]] })
  })

  it('of LangChain is read from serialised messages, batches and results', () => {
    const human = {
      lc: 1,
      type: 'constructor',
      id: ['langchain_core', 'messages', 'HumanMessage'],
      kwargs: { content: 'hi', additional_kwargs: {} },
    }
    const ai = {
      lc: 1,
      type: 'constructor',
      id: ['langchain_core', 'messages', 'AIMessageChunk'],
      kwargs: { content: '', tool_calls: [{ name: 'f', args: { a: 1 }, id: 'c', type: 'tool_call' }] },
    }
    const messages = [
      ['human', ['text', 'hi'], { additional_kwargs: {} }],
      ['ai', ['call', 'f', { a: 1 }, 'c']],
    ]
    expect(read([[human, ai]])).toEqual({ messages })
    expect(read({ messages: [human, ai] })).toEqual({ messages })
    expect(read([{ type: 'human', data: { content: 'hi' } }])).toEqual({
      messages: [['human', ['text', 'hi']]],
    })
    expect(read([{ type: 'ai', content: 'yes', id: 'r' }])).toEqual({
      messages: [['ai', ['text', 'yes'], { id: 'r' }]],
    })
    expect(read({ generations: [[{ text: 'x', message: ai }]] })).toEqual({
      messages: [['ai', ['call', 'f', { a: 1 }, 'c'], { text: 'x' }]],
    })
  })

  it('of the AI SDK, OpenInference, OpenTelemetry, Ollama, Cohere and Bedrock is read', () => {
    expect(
      read([
        {
          role: 'user',
          content: [{ type: 'file', data: 'data:image/png;base64,x', mediaType: 'image/png' }],
        },
        {
          role: 'assistant',
          content: [
            { type: 'reasoning', text: 'hmm' },
            { type: 'tool-call', toolCallId: 'c', toolName: 'f', input: { a: 1 } },
          ],
        },
        {
          role: 'tool',
          content: [{ type: 'tool-result', toolCallId: 'c', toolName: 'f', output: { value: 2 } }],
        },
      ]),
    ).toEqual({
      messages: [
        ['user', ['image', 'data:image/png;base64,x']],
        ['assistant', ['thinking', 'hmm'], ['call', 'f', { a: 1 }, 'c']],
        ['tool', ['result', 'c', { value: 2 }], { 'content[0]': { toolName: 'f' } }],
      ],
    })
    expect(read({ system: 'be brief', prompt: 'hi' })).toEqual({
      messages: [
        ['system', ['text', 'be brief']],
        ['user', ['text', 'hi']],
      ],
    })
    const call = { tool_call: { id: 'c', function: { name: 'f', arguments: '{"a":1}' } } }
    expect(
      read([
        { message: { role: 'user', contents: [{ message_content: { type: 'text', text: 'hi' } }] } },
        { message: { role: 'assistant', tool_calls: [call] } },
      ]),
    ).toEqual({
      messages: [
        ['user', ['text', 'hi']],
        ['assistant', ['call', 'f', { a: 1 }, 'c']],
      ],
    })
    expect(read([{ role: 'user', parts: [{ type: 'text', content: 'hi' }] }])).toEqual({
      messages: [['user', ['text', 'hi']]],
    })
    expect(
      read({ model: 'm', message: { role: 'assistant', content: 'a', thinking: 'hmm' }, done: true }),
    ).toEqual({
      messages: [['assistant', ['thinking', 'hmm'], ['text', 'a']]],
      other: { model: 'm', done: true },
    })
    expect(
      read({ output: { message: { role: 'assistant', content: [{ text: 'a' }] } }, stopReason: 'end' }),
    ).toEqual({
      messages: [['assistant', ['text', 'a']]],
      other: { stopReason: 'end' },
    })
  })

  it.each([
    [[]],
    ['text'],
    [{ role: 'admin', content: 'x' }],
    [[{ role: 'user' }]],
    [{ messages: 'none' }],
    [{ messages: [] }],
    [{ model: 'm', input: ['to', 'embed'] }],
    [{ content: { deep: 1 } }],
    [null],
    [[1]],
  ])('is not seen in %j', value => expect(readChat(value)).toBeUndefined())

  it('is not looked for deeper than the call stack', () => {
    let call: object = { name: 'f' }
    for (let depth = 0; depth < 100_000; depth += 1) call = { function: call }
    expect(() => readChat([{ role: 'assistant', tool_calls: [call] }])).not.toThrow()
  })
})
