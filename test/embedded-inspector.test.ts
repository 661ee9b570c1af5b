import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startObservation } from '@langfuse/tracing'
import { getTracing } from '@langfuse-middleware/core'
import { langfuseErrorHandler, langfuseMiddleware } from '@langfuse-middleware/express'
import express from 'express'
import { describeInBrowser, launchBrowser } from '../packages/inspector/test/browser.ts'

const logger = { info: jest.fn(), warn: jest.fn(), error: jest.fn() }

describeInBrowser('an app that brings the inspector along', () => {
  let browser: Awaited<ReturnType<typeof launchBrowser>>
  let server: Server
  let answer = () => {}

  beforeAll(async () => {
    browser = await launchBrowser()
  })

  afterAll(() => browser?.close())

  beforeEach(async () => {
    const app = express()
    app.use(langfuseMiddleware({ inspector: { port: 0, file: false, force: true }, logger }))
    app.post('/chat', async (_request, response) => {
      const generation = startObservation(
        'answer',
        { model: 'gpt-4.1-mini', input: 'Where is my order?' },
        { asType: 'generation' },
      )
      await new Promise<void>(resolve => {
        answer = resolve
      })
      generation.update({ output: 'On its way.' }).end()
      response.json({})
    })
    app.post('/fail', () => {
      throw new TypeError('no order for sk-proj-abcdefghijklmnopqrstuvwxyz0123456789')
    })
    app.use(langfuseErrorHandler())
    server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })

  afterEach(async () => {
    server.closeAllConnections()
    server.close()
    await getTracing()?.shutdown()
  })

  it('shows a generation while it runs, then its end, and logs the address of the trace', async () => {
    const { port } = server.address() as AddressInfo
    const chat = fetch(`http://127.0.0.1:${port}/chat`, { method: 'POST' })
    const page = await browser.newPage()
    await page.goto(await lineWith(/shows the traces at (\S+)/))
    const row = page.locator('.rows-body [role=row]').filter({ hasText: 'POST /chat' })
    await row.getByText('running').waitFor()
    await row.click()

    const generation = page.locator('.row.is-running').filter({ hasText: 'answer' })
    await generation.click()
    const detail = page.getByRole('region', { name: 'Observation' })
    await detail.getByText('still running').waitFor()
    await detail.getByText('Where is my order?').waitFor()

    answer()
    const { status, headers } = await chat
    expect(status).toBe(200)
    await detail.getByText('On its way.').waitFor()
    expect(await page.locator('.row.is-running').count()).toBe(0)
    await page.locator('.trace-head').getByText('200').waitFor()

    expect(await lineWith(/POST \/chat 200 \d+ ms (\S+)/)).toBe(page.url().replace(/\?.*/, ''))
    expect(page.url()).toContain(headers.get('x-langfuse-trace-id'))
  })

  it('shows the stack of an error and who asked, and repeats the request at its own address', async () => {
    const { port } = server.address() as AddressInfo
    const address = `http://127.0.0.1:${port}/fail`
    await fetch(address, { method: 'POST', headers: { 'x-user-id': 'ada' } })
    const page = await browser.newPage()
    await page.goto(await lineWith(/POST \/fail 500 \d+ ms (\S+)/))
    const stack = page.getByRole('group', { name: 'Exception' })
    await stack.getByText('TypeError').first().waitFor()
    expect(await stack.innerText()).not.toContain('abcdefghijklmnopqrstuvwxyz0123456789')
    expect(await stack.locator('a').first().getAttribute('href')).toContain('embedded-inspector.test.ts')
    await page.getByRole('button', { name: 'Replay request' }).click()
    expect(await page.getByLabel('POST').inputValue()).toBe(address)
    await page.getByRole('button', { name: 'Send' }).click()
    await page
      .getByRole('status')
      .getByText(/^500 after/)
      .waitFor()
  })
})

/** What a line of the log says. */
async function lineWith(pattern: RegExp): Promise<string> {
  while (true) {
    for (const [line] of logger.info.mock.calls) {
      const found = pattern.exec(line)?.[1]
      if (found !== undefined) return found
    }
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
