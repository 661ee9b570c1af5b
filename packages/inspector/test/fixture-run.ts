import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Runs a fixture program to its end; it fails where the program does or writes to stderr. */
export async function runFixture(program: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await execute(process.execPath, [program, ...args])
  expect(stderr).toBe('')
  return stdout
}
