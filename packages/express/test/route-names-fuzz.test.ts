import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { langfuseMiddleware } from '@langfuse-middleware/express'
import { type Recorder, recordTraces } from '@langfuse-middleware/testing'
import type express5 from 'express'
import type { Request, Response, Router } from 'express'
import fc from 'fast-check'
import { expressVersions } from './express-versions.ts'

interface Tree {
  readonly routes: readonly string[]
  readonly mounts: readonly { readonly path: string; readonly tree: Tree; readonly application: boolean }[]
}

// Few words, so that parameters often hold what is also a static segment somewhere.
const words = ['a', 'b', 'users', 'v1.0', 'x-y']
const values = [...words, '0', 'A', '42', '%C3%A9', 'a%20b', 'f47ac10b-58cc']
const segment = fc.oneof(
  fc.constantFrom(...words),
  fc.constantFrom(':id', ':org', ':key', ':from-:to', 'v:version'),
)
const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map(list => `/${distinct(list).join('/')}`)

function treeOf(depth: number): fc.Arbitrary<Tree> {
  const mount = () =>
    fc.record({
      path: fc.oneof({ weight: 4, arbitrary: path }, { weight: 1, arbitrary: fc.constant('/') }),
      tree: treeOf(depth - 1),
      application: fc.boolean(),
    })
  return fc.record({
    routes: fc.array(path, { maxLength: 3 }),
    mounts: depth === 0 ? fc.constant([]) : fc.array(mount(), { maxLength: 3 }),
  })
}

/** Express refuses a path that names a parameter twice. */
function distinct(list: readonly string[]): string[] {
  let count = 0
  return list.map(one => one.replaceAll(/:\w+/g, name => `${name}${count++ || ''}`))
}

type Traced = Request & { trail?: string[] }

/** Gives `router` what `tree` describes, with handlers that answer by the template through which they were reached. */
function build(create: typeof express5, router: Router, { routes, mounts }: Tree): Router {
  for (const route of routes) {
    router.get(route, (request: Traced, response: Response) => {
      response.json((request.trail ?? []).join('') + route)
    })
  }
  for (const mount of mounts) {
    const push = (request: Traced, _response: Response, next: () => void) => {
      request.trail = [...(request.trail ?? []), mount.path === '/' ? '' : mount.path]
      next()
    }
    const pop = (request: Traced, _response: Response, next: () => void) => {
      request.trail = request.trail?.slice(0, -1) ?? []
      next()
    }
    // An application that a router holds does not know its parent: below a mounted one its mount cannot be told.
    const mountable = mount.application && 'set' in router
    const inner = mountable ? (create() as unknown as Router) : create.Router()
    router.use(mount.path, push, build(create, inner, mount.tree), pop)
  }
  return router
}

/** Paths of all routes of the tree, as templates. */
function templates({ routes, mounts }: Tree): string[] {
  return [
    ...routes,
    ...mounts.flatMap(mount =>
      templates(mount.tree).map(below => (mount.path === '/' ? '' : mount.path) + below),
    ),
  ]
}

describe.each(expressVersions)('random trees of routers in %s', (_version, express) => {
  let recorder: Recorder

  beforeAll(() => {
    recorder = recordTraces()
  })
  afterAll(() => recorder.close())

  it('names every request by the template that it went through', async () => {
    const requests = fc.array(fc.tuple(fc.nat(), fc.array(fc.constantFrom(...values), { minLength: 9 })), {
      minLength: 20,
      maxLength: 20,
    })
    await fc.assert(
      fc.asyncProperty(treeOf(3), requests, async (shape, picks) => {
        recorder.clear()
        const app = express()
        app.use(langfuseMiddleware())
        build(express, app as unknown as Router, shape)
        const server = createServer(app).listen(0, '127.0.0.1')
        await once(server, 'listening')
        try {
          const { port } = server.address() as AddressInfo
          const known = templates(shape)
          const expected = new Map<string, string>()
          for (const [index, [pick, fillings]] of picks.entries()) {
            const template = known[pick % known.length] ?? '/none'
            let filled = 0
            const url = template.replaceAll(/:\w+/g, () => fillings[filled++ % fillings.length] as string)
            const response = await fetch(`http://127.0.0.1:${port}${url}`, {
              headers: { 'x-request-id': String(index) },
            })
            const answer = await response.text()
            expected.set(String(index), response.ok ? `GET ${JSON.parse(answer)}` : 'GET')
          }
          await recorder.waitFor(() => recorder.tracing.stats().requests.open === 0)
          const traces = await recorder.traces()
          const names = new Map(traces.map(({ root }) => [String(root?.metadata.requestId), root?.name]))
          expect(Object.fromEntries(names)).toEqual(Object.fromEntries(expected))
        } finally {
          server.closeAllConnections()
          server.close()
        }
      }),
      // Shrinking builds thousands of applications; the first counterexample is small enough to be made a test of its own.
      { numRuns: 40, seed: 20261121, endOnFailure: true },
    )
  }, 60_000)
})
