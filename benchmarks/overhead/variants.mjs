// What is measured. `module` is in variants/, `options` go to it; of what is `sampled`, no one can say how many spans there should be.
const ALL = ['hello', 'chat', 'large']
const CALLS = ['hello', 'chat']

export const variants = {
  bare: { title: 'framework alone', module: 'bare', sampled: true, routes: ALL },
  'ours-traced': { title: 'this middleware', module: 'ours', routes: ALL },
  'ours-skipped': {
    title: '… route skipped',
    module: 'ours',
    options: { ignore: ['/hello', '/chat'] },
    sampled: true,
    routes: ['hello'],
  },
  'ours-sampled-out': {
    title: '… sampled out (rate 0, errors too)',
    short: '… sampled out',
    module: 'ours',
    options: { sampling: { rate: 0, keepErrors: false } },
    sampled: true,
    routes: CALLS,
  },
  'ours-keep-errors': {
    title: '… rate 0.1, errors kept',
    module: 'ours',
    options: { sampling: { rate: 0.1 } },
    sampled: true,
    routes: CALLS,
  },
  'ours-capture': {
    title: '… bodies captured',
    module: 'ours',
    options: { capture: { requestBody: true, responseBody: true } },
    routes: ALL,
  },
  reference: {
    title: "reference middleware, Langfuse's exporter",
    short: 'reference middleware',
    module: 'reference',
    routes: ALL,
  },
  opentelemetry: {
    title: 'OpenTelemetry instrumentations',
    short: 'OpenTelemetry',
    module: 'opentelemetry',
    peer: true,
    routes: CALLS,
  },
  datadog: { title: 'dd-trace', module: 'datadog', peer: true, routes: CALLS },
  sentry: { title: '@sentry/node', module: 'sentry', peer: true, routes: CALLS },
}

export const routes = {
  hello: { title: 'hello: a small JSON answer' },
  chat: { title: 'LLM-like: 2 KB of JSON in, 20 ms of waiting, a nested generation of 2 KB in and 4 KB out' },
  large: { title: 'large: the same with 64 KB in and 64 KB out, at 200 requests per second' },
}
