import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { describeEngine } from '../../packages/queue/test/support/describe-engine.ts'
import { whyNoJvm, whyNoRedis } from '../../scripts/engines/index.mjs'
import { composeValidator } from '../self-hosted/compose-schema.ts'

const START = join(__dirname, 'start.mjs')

/** Runs the example to its end. */
function start(args: string[], env: NodeJS.ProcessEnv = process.env) {
  return new Promise<{ status: unknown; output: string }>(resolve => {
    execFile(process.execPath, [START, ...args], { env }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : error.code, output: stdout + stderr }),
    )
  })
}

describe.each([
  ['kafka', whyNoJvm()],
  ['redis', whyNoRedis()],
] as const)('the example with %s', (engine, missing) => {
  describeEngine(`two apps and two workers on ${engine}`, missing, () => {
    it('deliver the trace of each request, although Langfuse fails for a while', async () => {
      const { status, output } = await start(['--engine', engine, '--requests', '90'])
      const figure = (name: string) => Number(new RegExp(`^${name} +(\\d+)$`, 'm').exec(output)?.[1])
      expect([status, output]).toEqual([0, expect.stringMatching(/^requests answered +90$/m)])
      expect(output).toMatch(/^60 requests answered, \d+ traces not in Langfuse yet; it is back now$/m)
      expect(figure('traces delivered')).toBe(90)
      expect(figure('lost')).toBe(0)
      expect(figure('spans delivered again')).toBeGreaterThan(0)
      expect(figure('requests that Langfuse failed')).toBeGreaterThanOrEqual(4)
      expect(output.match(/^worker \d: stopped: \d+ messages delivered, all acknowledged$/gm)).toHaveLength(2)
    }, 300_000)
  })
})

it('the example says what is missing, and exits with 1', async () => {
  const { status, output } = await start(['--engine', 'kafka'], { PATH: '' })
  expect([status, output]).toEqual([1, expect.stringContaining('Kafka cannot be started: Java is not')])
})

describe('the compose file of the queue', () => {
  const document = parse(readFileSync(join(__dirname, 'compose.yaml'), 'utf8'), { merge: true })

  it('is valid by the Compose specification', () => {
    const validate = composeValidator()
    expect([validate(document), validate.errors]).toEqual([true, null])
  })

  it('pins each image, and leads apps and workers to the same queue, the apps without the secret key', () => {
    const { kafka, worker, ...apps } = document.services
    expect(Object.keys(apps)).toEqual(['express-app', 'fastify-app'])
    expect(worker.environment.LANGFUSE_SECRET_KEY).toBeDefined()
    for (const { image, environment } of [kafka, worker, ...Object.values<typeof worker>(apps)]) {
      expect(image).toMatch(/:\d/)
      if (image !== kafka.image)
        expect(environment.LANGFUSE_QUEUE_URL).toBe(worker.environment.LANGFUSE_QUEUE_URL)
    }
    expect(JSON.stringify(apps)).not.toMatch(/SECRET/)
  })
})
