import { EventEmitter } from 'node:events'
import { openPage } from './browser.mjs'

const desktop = { env: { DISPLAY: ':0' } as NodeJS.ProcessEnv, platform: 'linux', isTerminal: true } as const

async function opened(surroundings: Partial<Parameters<typeof openPage>[1]>): Promise<string[]> {
  const urls: string[] = []
  const launch = async (url: string) => {
    urls.push(url)
    return new EventEmitter()
  }
  const said = await openPage('http://127.0.0.1:4319', { ...desktop, launch, ...surroundings })
  expect(said).toBe(urls.length > 0)
  return urls
}

it.each([
  ['a desktop', {}],
  ['a Mac', { platform: 'darwin', env: {} }],
  ['Windows', { platform: 'win32', env: {} }],
  ['Wayland', { env: { WAYLAND_DISPLAY: 'wayland-0' } }],
] as const)('opens the page on %s', async (_, surroundings) => {
  expect(await opened(surroundings)).toEqual(['http://127.0.0.1:4319'])
})

it.each([
  ['no terminal', { isTerminal: false }],
  ['no display', { env: {} }],
  ['CI', { env: { DISPLAY: ':0', CI: 'true' } }],
  ['a remote shell', { platform: 'darwin', env: { SSH_CONNECTION: '::1 22 ::1 22' } }],
  ['BROWSER=none', { env: { DISPLAY: ':0', BROWSER: 'none' } }],
] as const)('opens nothing with %s', async (_, surroundings) => {
  expect(await opened(surroundings)).toEqual([])
})

it('goes on where no browser can be started', async () => {
  const launch = () => Promise.reject(new Error('no browser'))
  expect(await openPage('http://127.0.0.1:4319', { ...desktop, launch })).toBe(false)
  const late = new EventEmitter()
  expect(await openPage('http://127.0.0.1:4319', { ...desktop, launch: async () => late })).toBe(true)
  expect(() => late.emit('error', new Error('no browser'))).not.toThrow()
})
