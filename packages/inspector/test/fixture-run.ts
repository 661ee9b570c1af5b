import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Runs a fixture program to its end; it fails where the program does or writes to stderr. */
export async function runFixture(name: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await execute(process.execPath, [join(__dirname, 'fixtures', name), ...args])
  expect(stderr).toBe('')
  return stdout
}
