import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Inspector, startInspector } from '@langfuse-middleware/inspector'

const platforms = [
  'serverless-http 3',
  'serverless-http 4',
  '@codegenie/serverless-express',
  '@fastify/aws-lambda',
  'a handler with a callback',
  'a job without HTTP',
  '@google-cloud/functions-framework',
]

describe('a process that is frozen with the result of its handler', () => {
  let langfuse: Inspector
  let child: ChildProcess | undefined

  beforeAll(async () => {
    langfuse = await startInspector({ port: 0, settleMs: 20 })
  })
  afterEach(() => {
    child?.kill('SIGKILL')
    langfuse.clear()
  })
  afterAll(() => langfuse.close())

  it.each(platforms)('has sent its trace whole: %s', async platform => {
    const program = join(__dirname, 'fixtures', 'serverless', 'freeze.mjs')
    child = spawn(process.execPath, [program, platform], {
      env: {
        PATH: process.env.PATH,
        LANGFUSE_BASE_URL: langfuse.url,
        LANGFUSE_PUBLIC_KEY: 'pk-lf-any',
        LANGFUSE_SECRET_KEY: 'sk-lf-any',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    expect(await resultOf(child)).toEqual({ found: true })
    while (!isStopped(child.pid as number)) await delay(5)
    // Nothing can be sent any more, so what is here is what was sent before.
    const trace = await langfuse.waitForTrace('GET /users/:id')
    expect(trace.observations.map(({ name }) => name)).toEqual(['GET /users/:id', 'answer', 'answer'])
  })
})

/** What the handler answered, which the program prints before it is frozen. */
async function resultOf({ stdout }: ChildProcess): Promise<unknown> {
  let printed = ''
  for await (const chunk of stdout!) {
    printed += chunk
    const [, result] = /^result (.*)$/m.exec(printed) ?? []
    if (result !== undefined) return JSON.parse(result)
  }
  throw new Error(`no result: ${printed}`)
}

/** Whether a process is stopped, by its state in /proc; always true on systems without it. */
function isStopped(pid: number): boolean {
  try {
    return /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return true
  }
}
