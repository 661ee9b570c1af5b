import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { serve } from './support/fake-provider.ts'

it('has an example that prints a call', async () => {
  const readme = readFileSync(join(__dirname, '../README.md'), 'utf8')
  const [, example = ''] = /```js\n(.*?)```/s.exec(readme) ?? []
  const chunk = {
    model: 'gpt-4.1-mini-2025-04-14',
    choices: [{ delta: { content: 'Paris.' }, finish_reason: 'stop' }],
  }
  const provider = await serve({
    contentType: 'text/event-stream',
    chunks: [`data: ${JSON.stringify(chunk)}\n\n`],
  })
  const body = JSON.stringify({ model: 'gpt-4.1-mini', messages: [{ role: 'user', content: 'Which city?' }] })
  const call = `await (await fetch('${provider.url}/v1/chat/completions', { method: 'POST', body: '${body}' })).text()\n`
  const code = example.replace('watch.stats()', `${call}console.log(watch.stats())`)
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
    cwd: __dirname,
  })
  expect(stdout).toMatch(/^chat openai gpt-4.1-mini \{/)
  expect(stdout).toMatch(/first token after \d+ ms/)
  expect(stdout).toMatch(
    /gpt-4.1-mini-2025-04-14 \{ role: 'assistant', content: 'Paris.' \} undefined stop completed/,
  )
  expect(stdout).toMatch(/seen: 1/)
  await provider.close()
})
