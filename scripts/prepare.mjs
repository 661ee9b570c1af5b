// Installs and builds what is missing or out of date, and nothing else, so that every command works on a fresh clone.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const force = process.argv.includes('--force')

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Node.js 20.19 or later is needed, this is ${process.versions.node}: https://nodejs.org/en/download`,
  )
  process.exit(1)
}

step('Installing dependencies', 'install', ['package-lock.json'], () =>
  existsSync(join(root, 'node_modules', 'tsdown'))
    ? run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'])
    : run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']),
)
const sources = packages().flatMap(name => [
  `packages/${name}/src`,
  `packages/${name}/page`,
  `packages/${name}/package.json`,
])
step(
  'Building packages',
  'build',
  ['package-lock.json', 'tsconfig.json', 'tsdown.config.ts', ...sources],
  () => run(process.execPath, ['node_modules/tsdown/dist/run.mjs']),
  packages().map(name => `packages/${name}/dist/index.mjs`),
)

/** Runs `work` unless the same inputs were prepared before and `outputs` still stand. */
function step(title, name, inputs, work, outputs = []) {
  const stamp = join(root, 'node_modules', '.cache', 'langfuse-middleware', name)
  const now = fingerprint(inputs)
  const fresh =
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === now &&
    outputs.every(file => existsSync(join(root, file)))
  if (fresh && !(force && name === 'build')) return
  const started = Date.now()
  process.stderr.write(`${title} …`)
  work()
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, now)
  process.stderr.write(` ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
}

function packages() {
  return readdirSync(join(root, 'packages')).sort()
}

function fingerprint(paths) {
  const hash = createHash('sha256').update(process.version)
  for (const path of paths) add(join(root, path))
  return hash.digest('hex')

  function add(path) {
    if (!existsSync(path)) return
    if (path.endsWith('dist') || path.endsWith('node_modules')) return
    try {
      for (const entry of readdirSync(path).sort()) add(join(path, entry))
    } catch {
      hash.update(path).update(readFileSync(path))
    }
  }
}

function run(command, args) {
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32' && command === 'npm',
  })
  if (result.status === 0) return
  process.stderr.write(`\n${result.stdout ?? ''}${result.stderr ?? result.error}\n`)
  process.exit(result.status ?? 1)
}
