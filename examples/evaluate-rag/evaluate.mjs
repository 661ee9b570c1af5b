import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { startFakeLlm } from '../fake-llm/fake-llm.mjs'

const llm = await startFakeLlm()
const cli = join(dirname(createRequire(import.meta.url).resolve('@langfuse-middleware/evaluate')), 'cli.mjs')
const config = join(import.meta.dirname, 'evaluation.config.mjs')
const child = spawn(process.execPath, [cli, config, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { OPENAI_API_KEY: 'any', ...process.env, OPENAI_BASE_URL: llm.url },
})
child.on('exit', async code => {
  await llm.close()
  process.exitCode = code ?? 1
})
