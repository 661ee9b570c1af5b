import { stripVTControlCharacters } from 'node:util'
import stringWidth from 'fast-string-width'
import { printable, printableJson } from '../src/basics/printable.ts'
import { formatTrace, type Trace } from '../src/index.ts'
import { decodeJson } from '../src/otlp/otlp-json.ts'
import { formatCost, formatDuration, formatTokens } from '../src/reading/quantity.ts'
import type { Score } from '../src/reading/score.ts'
import { buildTrace } from '../src/reading/trace.ts'
import { outlineTrace } from '../src/server/trace-outline.ts'
import { truncate, wrap } from '../src/terminal/terminal-text.ts'
import { jsonExport, jsonSpan, type SpanFixture, servicesExport, traceId } from './span-fixture.ts'

const build = (spans: SpanFixture[], scores: Score[] = []): Trace =>
  buildTrace(decodeJson(Buffer.from(jsonExport(spans.map(jsonSpan)))).spans, scores, {
    settled: true,
    revision: 1,
  })

const observation = (attributes: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(attributes).map(([key, value]) => [`langfuse.observation.${key}`, value]))

const chat: SpanFixture[] = [
  {
    id: '1',
    name: 'POST /chat',
    durationMs: 1234,
    attributes: {
      ...observation({ 'metadata.statusCode': '200' }),
      'user.id': 'ada',
      'session.id': 's-42',
      'langfuse.environment': 'production',
    },
  },
  {
    id: '2',
    parent: '1',
    name: 'retrieve-context',
    startMs: 5,
    durationMs: 120,
    attributes: observation({ type: 'retriever' }),
  },
  {
    id: '3',
    parent: '2',
    name: '検索 🔎',
    startMs: 6,
    durationMs: 9.5,
    attributes: observation({ type: 'tool' }),
  },
  {
    id: '4',
    parent: '1',
    name: 'openai.chat',
    startMs: 130,
    durationMs: 1000,
    attributes: observation({
      type: 'generation',
      'model.name': 'gpt-4o-mini',
      usage_details: '{"input":812,"output":95}',
      cost_details: '{"total":0.0021}',
    }),
  },
]

const failed: SpanFixture[] = [
  {
    ...chat[0],
    attributes: observation({ level: 'ERROR', status_message: 'rate limited', 'metadata.statusCode': '500' }),
  },
  { ...chat[1], attributes: observation({ level: 'WARNING', status_message: 'index is stale' }) },
  { ...chat[3], attributes: observation({ level: 'ERROR', status_message: 'rate limited' }) },
]

describe('a trace in the terminal', () => {
  it('is a line about the request and a tree in columns', () => {
    expect(`\n${formatTrace(build(chat), { width: 120 })}`).toBe(`
● POST /chat   200   1.2 s   812→95 tokens   $0.0021                                    ${traceId('a')}
│  user ada · session s-42 · production
├─ retrieve-context  retriever   120 ms
│  └─ 検索 🔎        tool        9.5 ms
└─ openai.chat       generation   1.0 s  gpt-4o-mini  812→95 tokens  $0.0021`)
  })

  it('is one line where there is only a request', () => {
    const [root] = chat
    expect(formatTrace(build([root!]), { width: 120 })).toBe(
      `● POST /chat   200   1.2 s   user ada · session s-42 · production                       ${traceId('a')}`,
    )
  })

  it('names the service where another one goes on', () => {
    const { spans } = decodeJson(
      Buffer.from(
        servicesExport({
          shop: [
            { name: 'POST /order' },
            { id: '2', parent: '1', name: 'advise', startMs: 1 },
            { id: '5', parent: '1', name: 'bill', startMs: 9 },
          ],
          advisor: [
            { id: '3', parent: '2', name: 'POST /advice', startMs: 2 },
            { id: '4', parent: '3', name: 'answer', startMs: 3 },
          ],
        }),
      ),
    )
    const trace = buildTrace(spans, [], { settled: true, revision: 1 })
    expect(formatTrace(trace, { width: 60 })).toBe(`\
● POST /order   19 ms       ${traceId('a')}
│  in shop
├─ advise           span  10 ms
│  └─ POST /advice  span  10 ms  in advisor
│     └─ answer     span  10 ms
└─ bill             span  10 ms`)
    expect(outlineTrace({ ended: spans, running: [] }).map(({ name, service }) => [name, service])).toEqual([
      ['POST /order', undefined],
      ['advise', undefined],
      ['POST /advice', 'advisor'],
      ['answer', undefined],
      ['bill', undefined],
    ])
  })

  it('tells errors first and each of them once, where it came from', () => {
    expect(`\n${formatTrace(build(failed))}`).toBe(
      `
✖ POST /chat   500   1.2 s                      ${traceId('a')}
│  ✖ openai.chat: rate limited
│  ▲ retrieve-context: index is stale
├─ ▲ retrieve-context  span  120 ms
└─ ✖ openai.chat       span   1.0 s`,
    )
  })

  it('does not say twice which status was sent', () => {
    const attributes = observation({
      level: 'WARNING',
      status_message: 'HTTP 404',
      'metadata.statusCode': '404',
    })
    expect(formatTrace(build([{ name: 'GET /nothing', attributes }]))).toBe(
      `▲ GET /nothing   404   10 ms                    ${traceId('a')}`,
    )
  })

  it('shows errors in red, and no escape sequence without colour', () => {
    const coloured = formatTrace(build(failed), { colour: true })
    expect(coloured).toContain('\u001b[31m✖ openai.chat: rate limited\u001b[39m')
    expect(stripVTControlCharacters(coloured)).toBe(formatTrace(build(failed)))
    expect(formatTrace(build(failed))).not.toContain('\u001b')
  })

  it('shows scores, and flags what is missing', () => {
    const score = { id: 's', traceId: traceId('a'), name: 'helpful', value: 1 }
    const text = formatTrace(build([{ id: '2', parent: '1', name: 'lost' }], [score]))
    expect(text).toContain('root missing')
    expect(text).toContain('★ helpful 1')
    expect(text).toMatch(/└─ lost +span +10 ms +orphan$/)
  })

  it.each([40, 60, 80, 100, 120, 200])('never leaves %i columns', width => {
    const long = 'a long text with words, 長い名前 and 🎉 '.repeat(10)
    const deep = Array.from({ length: 60 }, (_, index) => ({
      id: `${index + 2}`,
      parent: `${index + 1}`,
      name: index % 2 === 0 ? long : 'short',
      attributes: observation({
        type: 'a-type-of-some-length',
        level: ['DEFAULT', 'ERROR', 'WARNING', 'DEBUG'][index % 4]!,
        'model.name': 'claude-sonnet-4-5-20250929',
        status_message: `${index} ${long}`,
        usage_details: '{"input":1234567,"output":9876543}',
        cost_details: '{"total":12.5}',
      }),
    }))
    const scores = [{ id: 's', traceId: traceId('a'), name: long, value: long }]
    for (const trace of [build(chat), build(failed), build([{ ...chat[0], name: long }, ...deep], scores)]) {
      const widths = formatTrace(trace, { width, colour: true })
        .split('\n')
        .map(line => stringWidth(line))
      expect(Math.max(...widths)).toBeLessThanOrEqual(width)
    }
  })

  it('stays short where the trace is long or deep', () => {
    const chain = Array.from({ length: 5000 }, (_, index) => ({
      id: (index + 1).toString(16),
      ...(index > 0 && { parent: index.toString(16) }),
    }))
    const lines = formatTrace(build(chain)).split('\n')
    expect(lines).toHaveLength(202)
    expect(lines.at(-1)).toContain('4,799 more')
  })
})

describe('hostile text', () => {
  const hostile = 'a\u001b[2J\u001b]0;title\u0007b\r\nc\u009b31md\u202ee\u2028f\u0000g\ud800'

  it('cannot move the cursor, start a line or turn the direction', () => {
    expect(printable(hostile)).toBe('ab cde fg')
    const attributes = {
      'user.id': hostile,
      'session.id': hostile,
      'langfuse.environment': hostile,
      'langfuse.trace.tags': JSON.stringify([hostile]),
      ...observation({ type: hostile, 'model.name': hostile, level: 'ERROR', status_message: hostile }),
    }
    const scores = [{ id: 's', traceId: traceId('a'), name: hostile, value: hostile }]
    const trace = build(
      [
        { id: '1', name: hostile, attributes },
        { id: '2', parent: '1', name: hostile, attributes },
      ],
      scores,
    )
    expect(formatTrace(trace, { width: 100 })).not.toMatch(/[^\P{C}\n]/u)
    expect(formatTrace(trace, { width: 100 }).split('\n')).toHaveLength(5)
  })

  it('is escaped in lines of JSON and stays the same value', () => {
    const text = printableJson({ hostile })
    expect(text).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Zl}]/u)
    expect(JSON.parse(text)).toEqual({ hostile })
  })
})

describe('quantities', () => {
  it.each([
    [0.42, '0.4 ms'],
    [9.96, '10 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [59_940, '59.9 s'],
    [59_960, '1 min 0 s'],
    [125_000, '2 min 5 s'],
  ])('of %f ms are %s', (ms, text) => expect(formatDuration(ms)).toBe(text))

  it('of money have the digits that tell something', () => {
    expect([0, 0.00000024, 0.0021, 12.5].map(formatCost)).toEqual(['', '<$0.0001', '$0.0021', '$12.50'])
  })

  it('of tokens name what is known', () => {
    expect(formatTokens({ input: 1200, output: 3, total: 1203 })).toBe('1,200→3 tokens')
    expect(formatTokens({ input: 12, output: 0, total: 12 })).toBe('12 tokens')
    expect(formatTokens({ input: 0, output: 0, total: 7 })).toBe('7 tokens')
    expect(formatTokens({ input: 0, output: 0, total: 0 })).toBe('')
  })
})

describe('fitting text', () => {
  it('cuts between characters that are seen as one', () => {
    expect(truncate('👩‍👩‍👧‍👦 family', 4)).toBe('👩‍👩‍👧‍👦…')
    expect(truncate('日本語', 4)).toBe('日…')
  })

  it('breaks lines at spaces where it can', () => {
    expect(wrap('one two three four', 9, 3)).toEqual(['one two', 'three', 'four'])
    expect(wrap('x'.repeat(25), 10, 2)).toEqual(['x'.repeat(10), `${'x'.repeat(9)}…`])
  })
})
