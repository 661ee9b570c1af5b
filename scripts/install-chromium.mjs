// Installs Debian's Chromium for the browser tests if it is missing. Logs a warning if it cannot.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const places = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]
/** Exists after a failed attempt, so that `npm test` does not wait for the network each time. */
const failed = join(
  fileURLToPath(new URL('..', import.meta.url)),
  'node_modules/.cache/langfuse-middleware/chromium-failed',
)

if (!places.some(path => path && existsSync(path))) install()

function install() {
  if (!existsSync('/usr/bin/apt-get')) return warn('there is no apt-get')
  if (process.getuid?.() !== 0) return warn('apt-get needs root')
  if (existsSync(failed) && !process.env.CI)
    return warn(`an earlier attempt failed; delete ${failed} to retry`)
  process.stderr.write('Installing Chromium …\n')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium'],
  ]) {
    const { status, stderr } = spawnSync('apt-get', args, { env, encoding: 'utf8' })
    if (status === 0) continue
    mkdirSync(join(failed, '..'), { recursive: true })
    writeFileSync(failed, '')
    return warn(`apt-get ${args[0]} failed: ${stderr.trim()}`)
  }
}

function warn(reason) {
  const consequence = process.env.CI ? 'the browser tests fail' : 'the browser tests are skipped'
  process.stderr.write(
    `Chromium not installed, ${consequence}: ${reason}. Set CHROMIUM_PATH to use another.\n`,
  )
}
