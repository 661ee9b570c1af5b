import { Router } from 'express'

const invoices = new Map([['2026-10', { total: 120 }]])

/**
 * Routes below `/tenants/:tenant`, each named by its template in the trace, never by the tenant. What the RAG app does for
 * `/ask` is in the same trace: the call itself carries it there.
 * @param {string} ragUrl
 */
export function createTenantRouter(ragUrl) {
  const router = Router({ mergeParams: true })

  router.post('/ask', async (request, response) => {
    const answer = await fetch(`${ragUrl}/ask`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ question: request.body?.question }),
      signal: request.langfuse.signal,
    })
    response.status(answer.status).json(await answer.json())
  })

  // The bug is here to be found: an unknown month has no total.
  router.get('/invoices/:month', (request, response) => {
    const invoice = /** @type {{ total: number }} */ (invoices.get(request.params.month))
    response.json({ total: invoice.total })
  })

  return router
}
