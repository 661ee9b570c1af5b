import { type LangfuseMiddlewareOptions, langfuseMiddleware } from '@langfuse-middleware/express'
import type { RecordedObservation, Recorder } from '@langfuse-middleware/testing'
import type express from 'express'
import request, { type Response, type Test } from 'supertest'

type Application = ReturnType<typeof express>

/** An application whose requests are traced, and a way to call it that returns the answer with the root it left. */
export interface TracedApp {
  readonly app: Application
  call(
    method: 'get' | 'post' | 'put' | 'head' | 'options',
    path: string,
    prepare?: (test: Test) => Test,
  ): Promise<{ response: Response; root: RecordedObservation }>
  /** The trace's name for a GET of `path`. */
  nameOf(path: string): Promise<string>
}

let serial = 0

/** An application that `define` gives its routes, below the middleware. */
export function tracedApp(
  create: typeof express,
  recorder: Recorder,
  define: (app: Application) => void,
  options?: LangfuseMiddlewareOptions,
): TracedApp {
  const app = create()
  // Keeps Express from printing the errors that tests provoke.
  app.set('env', 'test')
  app.use(langfuseMiddleware(options))
  define(app)
  return callable(app, recorder)
}

/** The same for an application that brings the middleware itself. */
export function callable(app: Application, recorder: Recorder): TracedApp {
  const call: TracedApp['call'] = async (method, path, prepare = test => test) => {
    serial += 1
    const id = `request-${serial}`
    const response = await prepare(request(app)[method](path).set('x-request-id', id))
    const trace = await recorder.waitFor(one => one.root?.metadata.requestId === id)
    return { response, root: trace.root as RecordedObservation }
  }
  return { app, call, nameOf: async path => (await call('get', path)).root.name }
}
