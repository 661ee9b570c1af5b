// Installs Debian's Chromium for the browser tests where it is missing, or says why it cannot.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const places = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]

if (!places.some(path => path && existsSync(path))) install()

function install() {
  if (!existsSync('/usr/bin/apt-get')) return say('there is no apt-get')
  if (process.getuid?.() !== 0) return say('that takes root')
  process.stderr.write('Installing Chromium …\n')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium'],
  ]) {
    const { status, stderr } = spawnSync('apt-get', args, { env, encoding: 'utf8' })
    if (status !== 0) return say(`apt-get ${args[0]} failed: ${stderr.trim()}`)
  }
}

function say(why) {
  process.stderr.write(
    `\n*** Chromium is missing and cannot be installed here: ${why}.\n*** Set CHROMIUM_PATH; without it the browser tests are skipped, or fail where CI is set.\n\n`,
  )
}
