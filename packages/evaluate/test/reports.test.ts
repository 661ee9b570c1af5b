import { XMLParser, XMLValidator } from 'fast-xml-parser'
import markdownIt from 'markdown-it'
import {
  type EvaluationResult,
  evaluateRoute,
  formatJson,
  formatJUnit,
  formatMarkdown,
  formatTable,
} from '../src/index.ts'
import { answeringApp, ask } from './answering-app.ts'

const NASTY = '<b>"&\u0000\ud800]]> | `x` @everyone ![](http://x/)\n# title'

let result: EvaluationResult

beforeAll(async () => {
  result = await evaluateRoute({
    langfuse: false,
    name: `nasty ${NASTY}`,
    app: () => answeringApp(),
    data: [
      { id: NASTY, input: NASTY },
      { id: 'good', input: 'Ada' },
    ],
    request: ask,
    evaluators: [
      function mood({ input }) {
        return input === 'Ada' ? 'good' : 'bad'
      },
      function said({ item }) {
        if (item.id === NASTY) throw new Error(NASTY)
        return { name: 'said', value: false, comment: NASTY }
      },
    ],
    thresholds: { said: { mean: 0.5, p95: { max: 1 } } },
  })
})

describe('a report', () => {
  it('shows a terminal scores, thresholds and errors', () => {
    const table = formatTable(result)

    expect(table).toMatch(/^FAIL {2}nasty/)
    expect(table).toMatch(/said +1 +0 +0 % +0 +0 +failed/)
    expect(table).toMatch(/mood +2 +bad 1, good 1/)
    expect(table).toContain('✗ said: mean is 0, must be at least 0.5')
    expect(table).toContain('✗ 1 of 2 items failed, at most 0 may')
  })

  it('is valid JUnit XML, whatever an item holds', () => {
    const xml = formatJUnit(result)

    expect(XMLValidator.validate(xml)).toBe(true)
    const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' })
    const { testsuite } = parser.parse(xml).testsuites
    expect(testsuite).toMatchObject({ tests: '4', failures: '1', errors: '1' })
    expect(testsuite.testcase).toHaveLength(4)
    expect(testsuite.testcase[2].failure.message).toBe('said: mean is 0, must be at least 0.5')
  })

  it('is Markdown in which an item can neither break the table, nor mention anybody, nor load an image', () => {
    const markdown = formatMarkdown(result)
    const html = markdownIt({ html: true }).render(markdown)

    expect(html.match(/<table>/g)).toHaveLength(2)
    expect(html).not.toMatch(/<img|<b>|<h1/)
    expect(markdown).not.toContain('@everyone')
    expect(html).toContain('<td>good</td>')
  })

  it('is JSON that other programs can read', () => {
    const read = JSON.parse(formatJson(result))

    expect(read).toMatchObject({ passed: false, scores: { mood: { categories: { good: 1, bad: 1 } } } })
    expect(read.items[1].scores).toHaveLength(2)
  })
})
