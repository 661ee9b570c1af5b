import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startOtlpServer } from './support/otlp-server.ts'

it('has examples that run', async () => {
  const readme = readFileSync(join(__dirname, '../README.md'), 'utf8')
  const examples = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code!)
  const server = await startOtlpServer()
  const directory = mkdtempSync(join(tmpdir(), 'readme-'))
  const env = {
    ...process.env,
    LANGFUSE_BASE_URL: new URL(server.url).origin,
    LANGFUSE_PUBLIC_KEY: 'pk-lf-1',
    LANGFUSE_SECRET_KEY: 'sk-lf-1',
  }
  for (const example of examples) {
    const code = example.replace('./spool', directory)
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], { cwd: __dirname, env })
  }
  expect(examples).toHaveLength(2)
  expect(server.requests).toHaveLength(1)
  await server.close()
  rmSync(directory, { recursive: true })
})
