import { spawnSync } from 'node:child_process'

/** Builds the packages where they are out of date. */
export function buildPackages() {
  const { status } = spawnSync(process.execPath, ['scripts/prepare.mjs'], {
    cwd: new URL('../../', import.meta.url),
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(1)
}
