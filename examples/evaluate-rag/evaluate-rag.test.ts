import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

async function evaluate(env: Record<string, string> = {}): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(__dirname, 'evaluate.mjs')], {
    env: { PATH: process.env.PATH, NODE_ENV: 'test', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise<number | null>(resolve => child.on('exit', resolve))
  return { output: await text(child.stdout), code: await exited }
}

describe('the evaluation of the RAG app', () => {
  it('passes twenty questions', async () => {
    const { code, output } = await evaluate()

    expect(output).toMatch(/^PASS {2}shop answers {2}20 items/)
    expect(code).toBe(0)
  })

  it('fails when documents are cut, and says which scores fell', async () => {
    const { code, output } = await evaluate({ CUT_DOCUMENTS: '45' })

    expect(output).toMatch(/✗ facts: mean is 0\.\d+, must be at least 0\.95 \(baseline 1\)/)
    expect(output).toMatch(/✗ helpful: mean is 0\.\d+, must be at least 0\.95 \(baseline 1\)/)
    expect(output).toMatch(/no_errors +20 +1 +100 % +1 +1 +ok/)
    expect(code).toBe(1)
  })
})
