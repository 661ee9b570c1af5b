/** @param {string} url */
const open = async url => (await import('open')).default(url)

/**
 * Opens a page where somebody sits at this machine, and says whether it did.
 * @param {string} url
 * @param {object} surroundings
 * @param {NodeJS.ProcessEnv} surroundings.env
 * @param {NodeJS.Platform} surroundings.platform
 * @param {boolean} surroundings.isTerminal
 * @param {(url: string) => Promise<Pick<import('node:events').EventEmitter, 'on'>>} [surroundings.launch]
 */
export async function openPage(url, { env, platform, isTerminal, launch = open }) {
  if (!isTerminal || !hasDesktop(env, platform)) return false
  try {
    const browser = await launch(url)
    // That there is none after all shows only later; the address has been printed.
    browser.on('error', () => {})
    return true
  } catch {
    return false
  }
}

/** @param {NodeJS.ProcessEnv} env @param {NodeJS.Platform} platform */
function hasDesktop(env, platform) {
  if (env.CI || env.SSH_CONNECTION || env.BROWSER === 'none') return false
  return platform === 'darwin' || platform === 'win32' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY)
}
