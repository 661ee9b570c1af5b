import { getTracing, MiddlewareError } from '@langfuse-middleware/core'
import {
  feedbackRoute,
  langfuseErrorHandler,
  langfuseMiddleware,
  traceRoute,
} from '@langfuse-middleware/express'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import request from 'supertest'
import { expressVersions } from './express-versions.ts'

const factories = {
  langfuseMiddleware,
  langfuseErrorHandler,
  traceRoute,
  feedbackRoute,
} as unknown as Readonly<Record<string, RequestHandler>>

describe.each(expressVersions)(
  'a factory that is registered without being called, in %s',
  (_version, express) => {
    describe.each(Object.entries(factories))('%s', (name, factory) => {
      const remedy = `${name} must be called to make a middleware: use ${name}() instead of ${name}`

      it('throws from app.use()', () => {
        expect(() => express().use(factory)).toThrow(
          expect.objectContaining({
            code: 'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
            message: expect.stringContaining(remedy),
          }),
        )
      })

      it('fails the first request if it was given to a route, with the remedy', async () => {
        const app = express()
        const errors: unknown[] = []
        app.get('/', factory)
        const handler: ErrorRequestHandler = (error, _request, response, _next) => {
          errors.push(error)
          response.sendStatus(500)
        }
        app.use(handler)
        await request(app).get('/').expect(500)
        expect(errors).toEqual([expect.any(MiddlewareError)])
        expect(String(errors[0])).toContain(remedy)
        expect(getTracing()).toBeUndefined()
      })
    })
  },
)
