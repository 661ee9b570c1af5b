import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { composeValidator } from './compose-schema.ts'

const compose = readFileSync(join(__dirname, 'compose.yaml'), 'utf8')
const document = parse(compose, { merge: true })

describe('the compose file', () => {
  it('is valid by the Compose specification', () => {
    const validate = composeValidator()
    expect([validate(document), validate.errors]).toEqual([true, null])
    expect(validate({ ...document, services: { app: { imagee: 'x' } } })).toBe(false)
  })

  it('pins every image, and keeps the data of every store in a volume', () => {
    for (const [name, service] of Object.entries<{ image: string; volumes?: string[]; healthcheck?: object }>(
      document.services,
    )) {
      expect([name, service.image]).toEqual([
        name,
        expect.stringMatching(/:(\$\{LANGFUSE_VERSION:-)?[\w.-]*\d/),
      ])
      if (!/langfuse-worker|app/.test(name))
        expect([name, service.healthcheck]).toEqual([name, expect.any(Object)])
    }
    for (const volume of Object.keys(document.volumes))
      expect(document.services[volume].volumes).toHaveLength(1)
  })

  it('gets each secret that it asks for from the script, new every time, and gives the app no secret key', () => {
    const run = () => execFileSync(process.execPath, [join(__dirname, 'secrets.mjs')], { encoding: 'utf8' })
    const names = (text: string) => [...text.matchAll(/^(\w+)=(.{12,})$/gm)].map(([, name]) => name)
    const asked = new Set([...compose.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name))
    expect(new Set(names(run()))).toEqual(asked)
    expect(run()).not.toBe(run())
    expect(JSON.stringify(document.services.app)).not.toMatch(/SECRET/)
  })
})

it('the app answers also while Kafka is away', async () => {
  const app = spawn(process.execPath, [join(__dirname, 'app', 'app.mjs')], {
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      LANGFUSE_QUEUE_URL: 'kafka://127.0.0.1:1/otlp_spans',
      LANGFUSE_PUBLIC_KEY: 'pk-lf-1',
    },
  })
  try {
    let printed = ''
    app.stdout.on('data', chunk => (printed += chunk))
    app.stderr.on('data', chunk => (printed += chunk))
    while (!/listening on \d+/.test(printed)) await once(app.stdout, 'data')
    const response = await fetch(`http://127.0.0.1:${/listening on (\d+)/.exec(printed)![1]}`)
    expect(await response.json()).toEqual({ answer: 'pong' })
  } finally {
    app.kill('SIGKILL')
  }
})
