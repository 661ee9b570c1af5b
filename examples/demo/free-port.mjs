import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * The first free loopback port from `wanted` on that is not among the chosen; with 0, any.
 * @param {number} wanted
 * @param {Set<number>} chosen
 * @returns {Promise<number>}
 */
export async function freePort(wanted, chosen) {
  if (chosen.has(wanted)) return freePort(wanted + 1, chosen)
  const server = createServer().listen(wanted, '127.0.0.1')
  try {
    await once(server, 'listening')
    return /** @type {import('node:net').AddressInfo} */ (server.address()).port
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EADDRINUSE') throw error
    return freePort(wanted + 1, chosen)
  } finally {
    server.close()
  }
}
