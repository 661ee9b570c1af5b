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

/** `describe`; without a browser the tests are skipped, and fail in CI. */
export const describeInBrowser = (name: string, define: () => void): void => {
  if (executablePath || process.env.CI) describe(name, define)
  else describe.skip(`${name} [skipped: ${reason}]`, define)
}

/** Starts the browser with an empty profile and without background traffic. */
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
