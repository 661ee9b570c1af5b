// Loads a framework, then the adapter, then starts tracing; prints what each took. Arguments: the framework, `import` or `require`.
const { setTimeout: delay } = require('node:timers/promises')

const [framework, how] = process.argv.slice(2)
const load = how === 'import' ? name => import(name) : require

async function measure(work) {
  // Garbage and compilation that the step before has left are its own.
  await delay(50)
  const started = performance.now()
  const rss = process.memoryUsage.rss()
  await work()
  return { ms: performance.now() - started, megabytes: (process.memoryUsage.rss() - rss) / 1e6 }
}

const options = {
  publicKey: 'pk-lf-benchmark',
  secretKey: 'sk-lf-benchmark',
  baseUrl: 'http://127.0.0.1:9',
  logger: { info() {}, warn() {}, error() {} },
}

async function main() {
  // Node's own start of its module loader is no framework's fault.
  await load('node:path')
  const steps = [
    await measure(() => load(framework)),
    await measure(() => load(`@langfuse-middleware/${framework}`)),
  ]
  const { initTracing } = await load('@langfuse-middleware/core')
  steps.push(await measure(() => initTracing(options)))
  process.stdout.write(JSON.stringify(steps), () => process.exit())
}

main()
