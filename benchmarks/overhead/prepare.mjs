import { spawnSync } from 'node:child_process'
import { installPeers } from './peers.mjs'
import { variants } from './variants.mjs'

/** Builds the packages, and installs the peers where one of these variants is one. */
export function prepare(names) {
  const { status } = spawnSync(process.execPath, ['scripts/prepare.mjs'], {
    cwd: new URL('../../', import.meta.url),
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(1)
  if (names.some(name => variants[name].peer)) installPeers()
}
