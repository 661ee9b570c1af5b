import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { adapterAudits, type Recorder, recordTraces } from '@langfuse-middleware/testing'
import { type Mistake, serveAudits } from './node-adapter.ts'

/** The mistake that each audit is there to find. */
const MISTAKES: Readonly<Record<string, Mistake>> = {
  name: 'names a trace by the path',
  measures: 'ends a trace before the handler runs',
  'not-found': 'names a trace by the path',
  level: 'reports every response as a success',
  errors: 'swallows the error of a handler',
  nesting: 'does not run the handler in the context of the request',
  'late-identity': 'gives the handler a trace without effect',
  update: 'gives the handler a trace without effect',
  'route-options': 'has no options for routes',
  'opt-out': 'ignores that a route opts out',
  context: 'does not run the handler in the context of the request',
  'raw-body': 'does not bind the listeners of request and response',
  concurrency: 'shares one context between requests',
  'coalesced-context': 'loses the context behind a middleware',
  'pooled-context': 'loses the context behind a middleware',
  'request-id': 'copies the request',
  'unfit-identity': 'cuts a user id that is too long',
  strangers: 'reads a user from baggage',
  stream: 'ends a trace before the handler runs',
  'abort-before-headers': 'ends a trace as completed, whatever happened',
  'half-close': 'ends a trace as completed, whatever happened',
  'abort-mid-stream': 'ends a trace as completed, whatever happened',
  'broken-stream': 'ends a trace as completed, whatever happened',
  'sent-stream': 'ends a trace before the handler runs',
  'sent-broken-stream': 'ends a trace as completed, whatever happened',
  'parsed-body': 'copies the request',
  authenticated: 'copies the request',
  compressed: 'shows no payload before it is compressed',
  'mounted-twice': 'starts a second trace if it is mounted twice',
  capture: 'has no options for routes',
  'captured-stream': 'has no options for routes',
  destroyed: 'ends a trace as completed, whatever happened',
  'pipelined-death': 'ends a trace as completed, whatever happened',
  'keep-alive': 'adds a listener to the socket for each request',
  pipelined: 'reports every response as a failure',
  'nothing-left': 'keeps a trace open for ever',
}

let recorder: Recorder
let server: Server | undefined

async function serve(mistake?: Mistake): Promise<number> {
  recorder = recordTraces({ environment: 'audit' })
  server = serveAudits(mistake).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function stop(): Promise<void> {
  server?.closeAllConnections()
  server?.close()
  await recorder.close()
}

describe('an adapter without a mistake', () => {
  let port: number

  beforeAll(async () => {
    port = await serve()
  })

  afterAll(stop)

  it.each(adapterAudits.map(audit => [audit.id, audit] as const))('passes the audit %s', (_id, audit) =>
    audit.run({ port, recorder }),
  )
})

describe('an audit', () => {
  afterEach(stop)

  it.each(adapterAudits.map(audit => [audit.id, MISTAKES[audit.id], audit] as const))(
    '%s fails for an adapter that %s',
    async (_id, mistake, audit) => {
      expect(mistake).toBeDefined()
      const port = await serve(mistake)
      // A trace that the mistake keeps away is not waited for as long as in an audit.
      const impatient: Recorder = { ...recorder, waitFor: matches => recorder.waitFor(matches, 500) }
      // Some mistakes only show after a request.
      await fetch(`http://127.0.0.1:${port}/users/1`)
      await expect(audit.run({ port, recorder: impatient })).rejects.toThrow()
    },
  )
})

it('names for each audit the rule in CONTRIBUTING that it holds, and audits each rule', () => {
  const contributing = readFileSync(join(__dirname, '../../../CONTRIBUTING.md'), 'utf8')
  const [, owes = ''] = contributing.split('### What an adapter owes')
  const rules = [...owes.matchAll(/^\| `(\w+)` \|/gm)].map(([, rule]) => rule)
  expect([...new Set(adapterAudits.map(({ rule }) => rule))].sort()).toEqual(rules.sort())
})
