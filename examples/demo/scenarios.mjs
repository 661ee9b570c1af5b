/**
 * @typedef {object} TraceExpectation
 * @property {string} name
 * @property {number} [status] - absent where no header was sent
 * @property {'DEFAULT' | 'WARNING' | 'ERROR'} [level] - DEFAULT unless set
 * @property {string} [userId]
 * @property {boolean} [cutShort] - no tokens are counted, because the model's answer was not read to its end
 * @property {string[]} [services] - all that took part, where it is more than the app that was asked
 * @property {string[]} [observations] - those below the root as `parent > child`, each `name type`, and its level if not DEFAULT
 */

/**
 * @typedef {object} Scenario
 * @property {string} title
 * @property {'chat' | 'rag' | 'sampled'} app
 * @property {string} request - method and path
 * @property {Record<string, string>} [headers]
 * @property {unknown} [body] - sent as JSON
 * @property {boolean} [leave] - hang up after the first piece of the response
 * @property {number} [times] - how many such requests are made, 1 unless set
 * @property {number} status - what the caller gets
 * @property {TraceExpectation} [trace] - absent where the request is to leave none
 * @property {string} [untraced] - why it leaves none
 */

const ada = { authorization: 'Bearer token-of-ada' }
const alan = { 'x-user-id': 'alan' }

const answer = ['answer generation']
const retrieval = ['retrieve-documents retriever', 'retrieve-documents retriever > embed embedding']
const answerFromDocuments = [...retrieval, 'answer-from-documents generation']

/**
 * Requests for every kind of outcome, and the one trace that must come of each.
 * @type {Scenario[]}
 */
export const scenarios = [
  {
    title: 'A question and its answer',
    app: 'chat',
    request: 'POST /chat',
    headers: ada,
    body: { message: 'What makes a trace worth reading?' },
    status: 200,
    trace: { name: 'POST /chat', status: 200, userId: 'ada', observations: answer },
  },
  {
    title: 'A streamed answer',
    app: 'chat',
    request: 'POST /chat/stream',
    headers: ada,
    body: { message: 'And what is a stream good for?' },
    status: 200,
    trace: { name: 'POST /chat/stream', status: 200, userId: 'ada', observations: answer },
  },
  {
    title: 'An agent with tools',
    app: 'chat',
    request: 'POST /agent',
    headers: ada,
    body: { message: 'Where is my order 1042, and when is its delivery to Berlin?' },
    status: 200,
    trace: {
      name: 'POST /agent',
      status: 200,
      userId: 'ada',
      observations: [
        'support-agent agent',
        'support-agent agent > answer generation',
        'support-agent agent > lookup_order tool',
        'support-agent agent > estimate_delivery tool',
        'support-agent agent > answer generation',
      ],
    },
  },
  {
    title: 'An answer from documents',
    app: 'rag',
    request: 'POST /ask',
    headers: alan,
    body: { question: 'How many days until a refund reaches my account?' },
    status: 200,
    trace: { name: 'POST /ask', status: 200, userId: 'alan', observations: answerFromDocuments },
  },
  {
    title: 'The same, streamed',
    app: 'rag',
    request: 'POST /ask/stream',
    headers: alan,
    body: { question: 'Do your teapots survive a dishwasher?' },
    status: 200,
    trace: { name: 'POST /ask/stream', status: 200, userId: 'alan', observations: answerFromDocuments },
  },
  {
    title: 'Work that goes on after the response',
    app: 'rag',
    request: 'POST /reindex',
    headers: alan,
    status: 202,
    trace: {
      name: 'POST /reindex',
      status: 202,
      userId: 'alan',
      observations: ['reindex chain', ...new Array(6).fill('reindex chain > embed embedding')],
    },
  },
  {
    title: 'The chat app asks the RAG app',
    app: 'chat',
    request: 'POST /tenants/acme/ask',
    headers: ada,
    body: { question: 'How long is the warranty?' },
    status: 200,
    trace: {
      name: 'POST /tenants/:tenant/ask',
      status: 200,
      userId: 'ada',
      services: ['chat-express', 'rag-fastify'],
      observations: under('POST /ask span', answerFromDocuments),
    },
  },
  {
    title: 'The RAG app asks the chat app',
    app: 'rag',
    request: 'POST /documents/refunds/summary',
    headers: alan,
    status: 200,
    trace: {
      name: 'POST /documents/:id/summary',
      status: 200,
      userId: 'alan',
      services: ['rag-fastify', 'chat-express'],
      observations: under('POST /chat span', answer),
    },
  },
  {
    title: 'A page that does not exist',
    app: 'chat',
    request: 'GET /nowhere',
    headers: ada,
    status: 404,
    trace: { name: 'GET', status: 404, level: 'WARNING', userId: 'ada' },
  },
  {
    title: 'A body the schema refuses',
    app: 'rag',
    request: 'POST /ask',
    headers: alan,
    body: { question: '?' },
    status: 400,
    trace: { name: 'POST /ask', status: 400, level: 'WARNING', userId: 'alan' },
  },
  {
    title: 'A token nobody knows',
    app: 'chat',
    request: 'POST /chat',
    headers: { authorization: 'Bearer token-of-mallory' },
    body: { message: 'Let me in.' },
    status: 401,
    trace: { name: 'POST', status: 401, level: 'WARNING' },
  },
  {
    title: 'A bug in a handler',
    app: 'chat',
    request: 'GET /tenants/acme/invoices/2026-12',
    headers: ada,
    status: 500,
    trace: { name: 'GET /tenants/:tenant/invoices/:month', status: 500, level: 'ERROR', userId: 'ada' },
  },
  {
    title: 'A model that fails',
    app: 'chat',
    request: 'POST /chat',
    headers: ada,
    body: { message: 'Hello?', model: 'fake-error' },
    status: 502,
    trace: {
      name: 'POST /chat',
      status: 502,
      level: 'ERROR',
      userId: 'ada',
      observations: ['answer generation ERROR'],
    },
  },
  {
    title: 'A reader who leaves in the middle',
    app: 'chat',
    request: 'POST /chat/stream',
    headers: ada,
    body: { message: 'Tell me a long story.' },
    leave: true,
    status: 200,
    trace: {
      name: 'POST /chat/stream',
      status: 200,
      level: 'WARNING',
      userId: 'ada',
      cutShort: true,
      observations: answer,
    },
  },
  {
    title: 'A health check of the chat app',
    app: 'chat',
    request: 'GET /health',
    status: 200,
    untraced: 'its route is opted out',
  },
  {
    title: 'A health check of the RAG app',
    app: 'rag',
    request: 'GET /health',
    status: 200,
    untraced: 'its route is opted out',
  },
  {
    title: 'Twenty questions where nothing is sampled',
    app: 'sampled',
    request: 'POST /ask',
    headers: alan,
    body: { question: 'When is an invoice due?' },
    times: 20,
    status: 200,
    untraced: 'sampled out',
  },
  {
    title: 'And one among them that fails',
    app: 'sampled',
    request: 'POST /ask',
    headers: alan,
    body: { question: 'When is an invoice due?', model: 'fake-error' },
    status: 502,
    trace: {
      name: 'POST /ask',
      status: 502,
      level: 'ERROR',
      userId: 'alan',
      observations: [...retrieval, 'answer-from-documents generation ERROR'],
    },
  },
]

/** @param {string} parent @param {string[]} children */
function under(parent, children) {
  return [parent, ...children.map(child => `${parent} > ${child}`)]
}
