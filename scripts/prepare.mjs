// Installs and builds what is missing or out of date, and nothing else, so that every command works on a fresh clone.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { takeTurn } from './take-turn.mjs'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Node.js 20.19 or later is needed, this is ${process.versions.node}: https://nodejs.org/en/download`,
  )
  process.exit(1)
}

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const force = process.argv.includes('--force')
const packages = manifestsIn('packages')

const install = {
  title: 'Installing dependencies',
  stamp: 'install',
  inputs: [
    'package.json',
    'package-lock.json',
    'benchmarks/package.json',
    ...packages,
    ...manifestsIn('examples'),
  ],
  outputs: ['node_modules/.package-lock.json'],
  command: npmInstall,
}
/** Without what the tests, the checks and the other examples need, which is three quarters of it. */
const demoInstall = {
  ...install,
  title: 'Installing what the demo needs',
  stamp: 'demo-install',
  command: () => [
    ...npmInstall(),
    ...packages.map(manifest => `--workspace=${dirname(manifest)}`),
    ...['demo', 'chat-express', 'rag-fastify'].map(example => `--workspace=examples/${example}`),
  ],
}
const build = {
  title: 'Building packages',
  stamp: 'build',
  inputs: [
    'package-lock.json',
    'tsconfig.json',
    'tsdown.config.ts',
    ...packages.flatMap(manifest => [
      manifest,
      join(dirname(manifest), 'src'),
      join(dirname(manifest), 'page'),
      join(dirname(manifest), 'tsdown.config.ts'),
    ]),
  ],
  outputs: packages.flatMap(distFiles),
  command: () => [process.execPath, 'node_modules/tsdown/dist/run.mjs'],
}

if (force || isStale(neededInstall()) || isStale(build)) {
  await takeTurn(join(root, '.cache', 'prepare.lock'))
  const needed = neededInstall()
  if (isStale(needed)) await run(needed)
  if (force || isStale(build)) await run(build)
}

/** The demo's part is only for a clone in which nothing else is installed. */
function neededInstall() {
  if (!process.argv.includes('--demo') || existsSync(stampOf(install))) return install
  return existsSync(stampOf(demoInstall)) || !existsSync(join(root, 'node_modules')) ? demoInstall : install
}

function npmInstall() {
  return ['npm', existsSync(join(root, 'node_modules')) ? 'install' : 'ci', '--loglevel=error']
}

function manifestsIn(folder) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder))
    .sort()
    .map(name => join(folder, name, 'package.json'))
    .filter(manifest => existsSync(join(root, manifest)))
}

/** What a package's manifest says that its build leaves. */
function distFiles(manifest) {
  const files = readFileSync(join(root, manifest), 'utf8').match(/\.\/dist\/[\w./-]+/g) ?? []
  return files.map(file => join(dirname(manifest), file))
}

function stampOf({ stamp }) {
  return join(root, 'node_modules', '.cache', 'langfuse-middleware', stamp)
}

function isStale(step) {
  const stamp = stampOf(step)
  return (
    !existsSync(stamp) ||
    readFileSync(stamp, 'utf8') !== fingerprint(step.inputs) ||
    step.outputs.some(file => !existsSync(join(root, file)))
  )
}

function fingerprint(paths) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`)
  for (const path of paths) {
    if (!existsSync(join(root, path))) continue
    const files = /(src|page)$/.test(path) ? filesUnder(path) : [path]
    for (const file of files) hash.update(file).update(readFileSync(join(root, file)))
  }
  return hash.digest('hex')
}

function filesUnder(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort()
}

async function run(step) {
  const started = Date.now()
  const seconds = () => `${((Date.now() - started) / 1_000).toFixed(1)} s`
  process.stderr.write(`${step.title} …`)
  const ticking =
    process.stderr.isTTY && setInterval(() => process.stderr.write(`\r${step.title} … ${seconds()}`), 100)
  const { code, output } = await execute(...step.command())
  clearInterval(ticking)
  if (code !== 0) {
    process.stderr.write(` failed\n\n${output.trimEnd()}\n`)
    process.exit(1)
  }
  mkdirSync(dirname(stampOf(step)), { recursive: true })
  writeFileSync(stampOf(step), fingerprint(step.inputs))
  process.stderr.write(`${process.stderr.isTTY ? `\r${step.title} …` : ''} ${seconds()}\n`)
}

function execute(command, ...args) {
  return new Promise(resolve => {
    const shell = process.platform === 'win32' && command === 'npm'
    const child = spawn(command, args, { cwd: root, shell, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', chunk => {
      output += chunk
    })
    child.stderr.on('data', chunk => {
      output += chunk
    })
    child.on('error', error => resolve({ code: 1, output: `${command}: ${error.message}` }))
    child.on('close', code => resolve({ code, output }))
  })
}
