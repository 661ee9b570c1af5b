import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

/** Runs a command to its end; rejects with all it printed if it fails. */
export async function run(command, args, options = {}) {
  try {
    return (await promisify(execFile)(command, args, { maxBuffer: 64 * 1024 * 1024, ...options })).stdout
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')}: ${error.stderr || error.message}`, { cause: error })
  }
}

/** First line that a command prints, or undefined if there is no such command. */
export function versionOf(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return status === 0 ? `${stdout}${stderr}`.split('\n')[0] : undefined
}
