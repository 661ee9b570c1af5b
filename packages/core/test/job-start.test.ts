import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type Inspector, startInspector } from '@langfuse-middleware/inspector'

describe('traceJob in a process that has not started tracing', () => {
  let inspector: Inspector

  beforeAll(async () => {
    inspector = await startInspector({ port: 0, settleMs: 20 })
  })
  beforeEach(() => inspector.clear())
  afterAll(() => inspector.close())

  async function run(program: string, variables: NodeJS.ProcessEnv) {
    const script = `const { getTracing, traceJob } = await import('@langfuse-middleware/core')\n${program}`
    return promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: __dirname,
      env: { PATH: process.env.PATH, ...variables },
    })
  }

  it('starts it from the environment', async () => {
    await run("await traceJob('reindex', () => {})", { LANGFUSE_BASE_URL: inspector.url })
    expect(inspector.traces().map(({ name }) => name)).toEqual(['reindex'])
  })

  it('runs the job and says why it is not traced if a variable is wrong', async () => {
    const { stdout, stderr } = await run(
      "console.log(await traceJob('reindex', () => 'done'), await traceJob('reindex', () => 'again'))",
      { LANGFUSE_BASE_URL: inspector.url, LANGFUSE_SAMPLE_RATE: 'half' },
    )
    expect(stdout).toBe('done again\n')
    expect(stderr.match(/langfuse: not tracing: LANGFUSE_SAMPLE_RATE must be between 0 and 1/g)).toHaveLength(
      1,
    )
  })

  it('does not start it again after a shutdown', async () => {
    const program = `
      await traceJob('one', () => {})
      await getTracing().shutdown()
      await traceJob('two', () => {})`
    await run(program, { LANGFUSE_BASE_URL: inspector.url })
    expect(inspector.traces().map(({ name }) => name)).toEqual(['one'])
  })
})
