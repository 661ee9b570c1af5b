import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * The first free loopback port from `wanted` on; with 0, any.
 * @param {number} wanted
 * @returns {Promise<number>}
 */
export async function freePort(wanted) {
  const server = createServer().listen(wanted, '127.0.0.1')
  try {
    await once(server, 'listening')
    return /** @type {import('node:net').AddressInfo} */ (server.address()).port
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EADDRINUSE') throw error
    return freePort(wanted + 1)
  } finally {
    server.close()
  }
}
