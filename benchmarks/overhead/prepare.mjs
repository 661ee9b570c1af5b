import { buildPackages } from '../harness/build.mjs'
import { installPeers } from './peers.mjs'
import { variants } from './variants.mjs'

/** Builds the packages, and installs the peers where one of these variants is one. */
export function prepare(names) {
  buildPackages()
  if (names.some(name => variants[name].peer)) installPeers()
}
