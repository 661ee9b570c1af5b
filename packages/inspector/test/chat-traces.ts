import { jsonExport, jsonSpan, type SpanFixture } from './span-fixture.ts'

// The traces of an afternoon of a made-up support assistant, the same in every run.

const users = ['ada', 'grace', 'linus', 'margaret', 'edsger']
const questions = [
  'Where is my order #4711?',
  'How do I return a pair of shoes that I bought in the sale?',
  'Cancel my subscription, please.',
  'Do you ship to Iceland, and what does it cost?',
]
const answer = `Your order **#4711** left our warehouse this morning.

| Step | When |
|---|---|
| Packed | 08:12 |
| Handed over | 09:40 |

1. Follow it with the [carrier](https://carrier.example/track/4711)
2. Call \`support\` if it has not come by Friday`

const attributes = (values: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, typeof value === 'string' ? value : JSON.stringify(value)]],
    ),
  )

/** A request without a model in it. */
function plainTrace(number: number): SpanFixture[] {
  const isMissing = number % 10 === 5
  const trace = (number + 0xa11ce).toString(16).padStart(8, '0').repeat(4)
  const startMs = number * 41_000 + 900
  return [
    {
      trace,
      id: '1',
      name: 'GET /orders/:id',
      startMs,
      durationMs: 9 + (number % 6) * 3.7,
      attributes: attributes({
        'user.id': users[number % users.length],
        'langfuse.environment': 'development',
        'langfuse.observation.input': { method: 'GET', path: `/orders/${4_700 + number}` },
        'langfuse.observation.level': isMissing ? 'WARNING' : undefined,
        'langfuse.observation.status_message': isMissing ? 'HTTP 404' : undefined,
        'langfuse.observation.metadata.statusCode': isMissing ? '404' : '200',
        'langfuse.observation.metadata.route': '/orders/:id',
      }),
    },
    {
      trace,
      id: '2',
      parent: '1',
      name: 'orders.find',
      startMs: startMs + 2,
      durationMs: 5,
      attributes: attributes({
        'langfuse.observation.type': 'tool',
        'user.id': users[number % users.length],
      }),
    },
  ]
}

/** One request of the assistant: retrieval, a tool, two generations; every seventh one fails. */
export function chatTrace(number: number): SpanFixture[] {
  if (number % 5 === 0 && number % 3 !== 0) return plainTrace(number)
  const trace = (number + 0xa11ce).toString(16).padStart(8, '0').repeat(4)
  const startMs = number * 41_000 + (number % 5) * 137
  const user = users[number % users.length]!
  const question = questions[number % questions.length]!
  const isFailed = number % 7 === 3
  const isSlow = number % 5 === 4
  const scale = isSlow ? 3.1 : 1 + (number % 4) * 0.13
  const identity = { 'user.id': user, 'session.id': `s-${user}-${Math.floor(number / 9)}` }
  const common = { trace, attributes: {} }
  const messages = [
    {
      role: 'system',
      content: 'You are the support assistant of a shoe shop. Answer in a friendly way, and in short.',
    },
    { role: 'user', content: question },
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: 'call_1', type: 'function', function: { name: 'find_order', arguments: '{"order":4711}' } },
      ],
    },
    {
      role: 'tool',
      tool_call_id: 'call_1',
      content: '{"order":4711,"state":"shipped","items":[{"sku":"SH-44","amount":1}]}',
    },
  ]
  const generation = (
    id: string,
    name: string,
    at: number,
    durationMs: number,
    more: object,
  ): SpanFixture => ({
    ...common,
    id,
    parent: '1',
    name,
    startMs: startMs + at,
    durationMs,
    attributes: attributes({
      ...identity,
      'langfuse.observation.type': 'generation',
      'langfuse.observation.model.name': number % 3 === 0 ? 'claude-sonnet-4-5' : 'gpt-4.1-mini',
      'langfuse.observation.model.parameters': { temperature: 0.2, max_tokens: 800 },
      ...more,
    }),
  })
  const status = isFailed ? 502 : 200
  return [
    {
      ...common,
      id: '1',
      name: 'POST /chat',
      startMs,
      durationMs: Math.round(1_480 * scale),
      attributes: attributes({
        ...identity,
        'langfuse.trace.tags': ['support', ...(number % 4 === 0 ? ['beta'] : [])],
        'langfuse.environment': 'development',
        'langfuse.observation.level': isFailed ? 'ERROR' : undefined,
        'langfuse.observation.status_message': isFailed ? 'HTTP 502' : undefined,
        'langfuse.observation.input': { method: 'POST', path: '/chat', body: { question } },
        'langfuse.observation.output': isFailed ? undefined : answer,
        'langfuse.observation.metadata.statusCode': String(status),
        'langfuse.observation.metadata.route': '/chat',
        'langfuse.observation.metadata.requestId': `req-${number}`,
        'langfuse.observation.metadata.userAgent': 'Mozilla/5.0 (Macintosh) Firefox/148.0',
      }),
    },
    {
      ...common,
      id: '2',
      parent: '1',
      name: 'retrieve-context',
      startMs: startMs + 12,
      durationMs: Math.round(168 * scale),
      attributes: attributes({
        ...identity,
        'langfuse.observation.type': 'retriever',
        'langfuse.observation.input': question,
        'langfuse.observation.output': [
          { id: 'doc-12', score: 0.83, title: 'Shipping' },
          { id: 'doc-7', score: 0.71, title: 'Returns' },
        ],
      }),
    },
    {
      ...common,
      id: '3',
      parent: '2',
      name: 'embed',
      startMs: startMs + 15,
      durationMs: Math.round(61 * scale),
      attributes: attributes({
        ...identity,
        'langfuse.observation.type': 'embedding',
        'langfuse.observation.model.name': 'text-embedding-3-small',
        'langfuse.observation.usage_details': { input: 14 },
      }),
    },
    generation('4', 'plan', Math.round(196 * scale), Math.round(372 * scale), {
      'langfuse.observation.input': messages.slice(0, 2),
      'langfuse.observation.output': messages[2],
      'langfuse.observation.usage_details': { input: 412 + number, output: 38 },
      'langfuse.observation.cost_details': { input: 0.00041, output: 0.00012 },
    }),
    {
      ...common,
      id: '5',
      parent: '1',
      name: 'find_order',
      startMs: startMs + Math.round(575 * scale),
      durationMs: Math.round(88 * scale),
      attributes: attributes({
        ...identity,
        'langfuse.observation.type': 'tool',
        'langfuse.observation.input': { order: 4711 },
        'langfuse.observation.output': { order: 4711, state: 'shipped' },
      }),
    },
    generation('6', 'answer', Math.round(670 * scale), Math.round(790 * scale), {
      'langfuse.observation.input': messages,
      ...(isFailed
        ? {
            'langfuse.observation.level': 'ERROR',
            'langfuse.observation.status_message':
              'APIError: 529 overloaded_error: the model is overloaded, try again in a moment',
          }
        : {
            'langfuse.observation.output': { role: 'assistant', content: answer },
            'langfuse.observation.completion_start_time': new Date(
              1_767_225_600_000 + startMs + Math.round(905 * scale),
            ).toISOString(),
            'langfuse.observation.usage_details': { input: 812 + number * 3, output: 95 + (number % 9) },
            'langfuse.observation.cost_details': { input: 0.0012, output: 0.0009 },
          }),
      'langfuse.observation.prompt.name': 'support-answer',
      'langfuse.observation.prompt.version': '3',
    }),
  ]
}

/** An export request with so many of these requests. */
export function chatExport(count: number): string {
  const spans = Array.from({ length: count }, (_, number) => chatTrace(number)).flat()
  return jsonExport(spans.map(jsonSpan))
}
