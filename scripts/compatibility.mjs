// Runs the suites that touch a library against its oldest and its newest supported version, and writes docs/compatibility.md.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const core = ['packages/core/test', 'packages/express/test/requests', 'packages/fastify/test/requests']

/** Each row: what is installed instead of the locked version, and the suites that it concerns. */
const rows = [
  { library: 'express', versions: ['express4.18', 'express4', 'express'], suites: ['packages/express'] },
  { library: 'fastify', versions: ['fastify4.10', 'fastify4', 'fastify'], suites: ['packages/fastify'] },
  { library: '@langfuse/* (oldest)', install: langfuse('5.11.0'), suites: core },
  { library: '@langfuse/* (newest)', install: langfuse('5'), suites: core },
  { library: '@opentelemetry/* (oldest)', install: openTelemetry('1.9.0', '2.12.0'), suites: core },
  { library: '@opentelemetry/* (newest)', install: openTelemetry('1.9', '2.12'), suites: core },
  { library: 'openai (oldest)', install: ['openai@4'], suites: ['packages/llm-calls'] },
  {
    library: 'openai (newest)',
    install: ['openai@latest'],
    suites: ['packages/llm-calls', 'examples/chat-express'],
  },
]

const only = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'compatibility-'))
const results = []
try {
  // A copy, so that other versions do not get into the checkout.
  run('git', ['clone', '--quiet', '--local', root, folder], root)
  cpSync(join(root, 'node_modules'), join(folder, 'node_modules'), {
    recursive: true,
    verbatimSymlinks: true,
  })
  for (const row of rows) {
    if (only.length > 0 && !only.some(name => row.library.includes(name))) continue
    const installed = row.install === undefined || npmInstall(row.install)
    const passed = installed && run('npx', ['jest', '--maxWorkers=2', '--silent', ...row.suites], folder)
    results.push({ ...row, passed, found: foundVersions(row) })
    console.log(`${passed ? 'passed' : 'failed'}  ${row.library}  ${results.at(-1).found}`)
    if (row.install !== undefined) npmInstall([])
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (only.length === 0) writeFileSync(join(root, 'docs', 'compatibility.md'), page())
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1

function langfuse(version) {
  return ['client', 'core', 'otel', 'tracing', 'openai', 'langchain'].map(
    name => `@langfuse/${name}@${version}`,
  )
}

function openTelemetry(api, sdk) {
  const packages = ['core', 'resources', 'sdk-trace-base', 'context-async-hooks']
  return [`@opentelemetry/api@${api}`, ...packages.map(name => `@opentelemetry/${name}@${sdk}`)]
}

function npmInstall(packages) {
  return run(
    'npm',
    ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', ...packages],
    folder,
  )
}

function run(command, args, cwd) {
  const { status } = spawnSync(command, args, {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, CI: '' },
  })
  return status === 0
}

function foundVersions({ install, versions = install.map(name => name.replace(/(?<=.)@[^@]*$/, '')) }) {
  const found = versions.map(name => {
    const manifest = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')
    return JSON.parse(manifest).version
  })
  return [...new Set(found)].join(', ')
}

function page() {
  const lines = results.map(
    ({ library, found, passed }) => `| ${library} | ${found} | ${passed ? 'passed' : '**failed**'} |`,
  )
  return `# Compatibility

Written by \`npm run compatibility\`, which runs the suites that touch a library against its oldest and newest supported versions.

${new Date().toISOString().slice(0, 10)}, Node.js ${process.versions.node}:

| library | versions | |
|---|---|---|
${lines.join('\n')}

Other versions of Node.js: \`npm run test:nodes\`. What is supported, and for how long: [SUPPORT.md](https://github.com/langfuse-middleware/langfuse-middleware/blob/main/SUPPORT.md).
`
}
