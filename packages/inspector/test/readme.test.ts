import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { resolveOptions } from '../src/start/options.ts'

const readme = readFileSync(join(__dirname, '..', 'README.md'), 'utf8')

describe('the README', () => {
  it('has an example that runs', async () => {
    const example = /```js\n(.*?)```/s.exec(readme)![1]!
    const args = ['--input-type=module', '--eval', example]
    await expect(promisify(execFile)(process.execPath, args, { cwd: __dirname })).resolves.toEqual({
      stdout: '',
      stderr: '',
    })
  })

  it('names every option and the defaults in force', () => {
    const config = resolveOptions({}, {})
    for (const name of Object.keys(config)) expect(readme).toContain(`\`${name}\``)
    expect(readme).toContain(`| \`port\` | \`${config.port}\` |`)
    expect(readme).toContain(`| \`settleMs\` | \`${config.settleMs}\` |`)
    expect(config).toMatchObject({
      maxTraces: 20_000,
      maxSpans: 200_000,
      maxBytes: 2 ** 28,
      maxBodyBytes: 2 ** 24,
    })
  })
})
