import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const places = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]
const executablePath = places.find(path => path && existsSync(path))
const reason = 'no Chromium: run node scripts/install-chromium.mjs as root, or set CHROMIUM_PATH'

/** `describe` where there is a browser; elsewhere the tests are skipped, and that is said aloud. */
export const describeInBrowser: jest.Describe = executablePath || process.env.CI ? describe : skipLoudly()

/** Starts the browser with an empty profile and nothing that would talk to anybody. */
export async function launchBrowser(): Promise<Browser> {
  if (!executablePath) throw new Error(reason)
  return await chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

function skipLoudly(): jest.Describe {
  process.stderr.write(`\n*** SKIPPED: the tests of the inspector's page, for there is ${reason}\n\n`)
  return describe.skip as unknown as jest.Describe
}
