import { helpText, parseCommand } from '../src/command-line/flags.ts'
import { createWorker, queueFromUrl } from '../src/index.ts'
import { createRateLimit } from '../src/worker/rate-limit.ts'

const queue = queueFromUrl('redis://127.0.0.1:1')
const project = { publicKey: 'pk-lf-1', secretKey: 'sk-lf-1' }
const base = {
  LANGFUSE_QUEUE_URL: 'redis://127.0.0.1:1',
  LANGFUSE_PUBLIC_KEY: 'pk',
  LANGFUSE_SECRET_KEY: 'sk',
}

describe('createWorker', () => {
  it.each([
    [{ projects: [] }, /projects must be a list with at least one/],
    [{ projects: [project, project] }, /projects must be one entry for each public key/],
    [{ projects: [{ ...project, secretKey: '' }] }, /secretKey must be a key of a Langfuse project/],
    [{ queue: {} }, /queue must be kafkaQueue/],
    [{ rateLimit: { requestsPerSecond: 0 } }, /rateLimit.requestsPerSecond must be a number above 0, got 0/],
    [{ onRefused: 'drop' }, /onRefused must be one of wait, dead-letter, got "drop"/],
    [{ maxBytes: 1 }, /maxBytes must be an integer of at least 1048576, got 1/],
    [{ groupId: 'x' }, /options has no "groupId", did you mean "group"/],
  ])('refuses %j', (wrong, message) => {
    expect(() => createWorker({ queue, projects: [project], ...wrong } as never)).toThrow(message)
  })
})

describe('the command line', () => {
  it('prefers flags to the environment', () => {
    expect(parseCommand(['--group', 'flag'], { ...base, LANGFUSE_QUEUE_GROUP: 'variable' })).toMatchObject({
      name: 'worker',
      options: { group: 'flag', projects: [{ publicKey: 'pk', secretKey: 'sk' }] },
    })
    expect(parseCommand([], { ...base, LANGFUSE_QUEUE_GROUP: 'variable' })).toMatchObject({
      options: { group: 'variable' },
    })
  })

  it('reads several projects from JSON, each with the common address unless it has its own', () => {
    const projects = JSON.stringify([project, { ...project, publicKey: 'pk-lf-2', baseUrl: 'https://other' }])
    const env = { ...base, LANGFUSE_BASE_URL: 'https://one', LANGFUSE_QUEUE_PROJECTS: projects }
    expect(parseCommand([], env)).toMatchObject({
      options: { projects: [{ baseUrl: 'https://one' }, { baseUrl: 'https://other' }] },
    })
  })

  it('reads what to redrive', () => {
    expect(parseCommand(['redrive', '--limit', '5', '--cause', 'malformed,refused'], base)).toEqual({
      name: 'redrive',
      queueUrl: base.LANGFUSE_QUEUE_URL,
      limit: 5,
      causes: ['malformed', 'refused'],
    })
  })

  it.each([
    [[], { ...base, LANGFUSE_QUEUE_URL: '' }, /LANGFUSE_QUEUE_URL must be kafka/],
    [
      [],
      { ...base, LANGFUSE_SECRET_KEY: ' ' },
      /LANGFUSE_SECRET_KEY, or LANGFUSE_QUEUE_PROJECTS must be set/,
    ],
    [['--max-bytes', 'many'], base, /--max-bytes must be a number, got "many"/],
    [['start'], base, /the command must be worker or redrive, got "start"/],
    [['--goup', 'x'], base, /Unknown option '--goup'/],
    [
      [],
      { ...base, LANGFUSE_QUEUE_PROJECTS: '[{"secretKey": "sk-lf-1"' },
      /--projects must be a JSON list of \{[^}]*\}, got "something else"/,
    ],
  ])('refuses %j with %j', (args, env, message) => {
    expect(() => parseCommand(args, env)).toThrow(message)
  })

  it('names every flag and variable in its help', () => {
    expect(parseCommand(['--help'], {})).toEqual({ name: 'help' })
    expect(helpText).toMatch(
      /--max-requests-per-second +rate limit of requests.*\n +LANGFUSE_QUEUE_MAX_REQUESTS_PER_SECOND/,
    )
  })
})

describe('createRateLimit', () => {
  it('spaces requests by the stricter of both limits, without letting idle time add up', () => {
    let now = 10_000
    const limit = createRateLimit({ requestsPerSecond: 10, bytesPerSecond: 1_000 }, () => now)
    expect(limit.readyAt()).toBeLessThanOrEqual(now)
    limit.spend(50)
    expect(limit.readyAt()).toBe(10_100)
    limit.spend(500)
    expect(limit.readyAt()).toBe(10_600)
    now = 20_000
    limit.spend(1)
    expect(limit.readyAt()).toBe(20_100)
  })

  it('never makes anybody wait if nothing is limited', () => {
    const limit = createRateLimit({}, () => 1)
    limit.spend(1_000_000)
    expect(limit.readyAt()).toBeLessThan(1)
  })
})
