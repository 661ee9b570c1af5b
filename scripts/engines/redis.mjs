import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached } from './cache.mjs'
import { run, versionOf } from './commands.mjs'
import { freePort, startSupervised } from './supervised.mjs'

const PACKAGES = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1']

/** Why Redis cannot be started here; undefined if it can. */
export function whyNoRedis() {
  if (versionOf('redis-server', ['--version']) || existsSync('/usr/bin/apt-get')) return undefined
  return 'redis-server is not installed, and there is no apt-get'
}

/** Starts Redis, the installed one or Debian's, with an append-only file and nothing in it. */
export async function startRedis({ port, password, maxMemory } = {}) {
  const { command, env } = await findRedis()
  const directory = mkdtempSync(join(tmpdir(), 'redis-'))
  const serverPort = port ?? (await freePort())
  const args = [
    ...['--port', String(serverPort), '--bind', '127.0.0.1', '--dir', directory, '--save', ''],
    ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction'],
    ...(maxMemory ? ['--maxmemory', maxMemory] : []),
    ...(password ? ['--requirepass', password] : []),
  ]
  const start = () => startSupervised({ command, args, directory, port: serverPort, env })
  let server = await start()
  return {
    port: serverPort,
    url: `redis://${password ? `:${password}@` : ''}127.0.0.1:${serverPort}`,
    kill: signal => server.kill(signal),
    signal: name => server.signal(name),
    async restart() {
      server = await start()
    },
    async stop() {
      await server.kill()
      rmSync(directory, { recursive: true, force: true })
    },
    log: () => server.log(),
  }
}

async function findRedis() {
  if (versionOf('redis-server', ['--version'])) return { command: 'redis-server', env: {} }
  // Unpacked instead of installed, so that no service starts.
  const folder = await cached('redis-debian', async directory => {
    await run('apt-get', ['download', ...PACKAGES], { cwd: directory }).catch(async () => {
      await run('apt-get', ['update', '-qq'])
      await run('apt-get', ['download', ...PACKAGES], { cwd: directory })
    })
    for (const file of await readdir(directory)) await run('dpkg', ['-x', file, 'root'], { cwd: directory })
  })
  const [library] = await readdir(join(folder, 'root', 'usr', 'lib')).then(names =>
    names.filter(name => name.includes('linux')),
  )
  return {
    command: join(folder, 'root', 'usr', 'bin', 'redis-server'),
    env: { LD_LIBRARY_PATH: join(folder, 'root', 'usr', 'lib', library ?? '') },
  }
}
