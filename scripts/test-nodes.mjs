// Runs the test suite on the other supported versions of Node.js, which come from npm.
import { spawnSync } from 'node:child_process'

const versions = ['22', '24']
const results = versions.map(version => {
  const within = ['-y', '-p', `node@${version}`, '--']
  const exact = npx([...within, 'node', '--version'], ['ignore', 'pipe', 'inherit']).stdout?.trim()
  console.log(`\nNode.js ${exact ?? version}`)
  if (!exact?.startsWith(`v${version}.`)) return { version, result: 'could not be had from npm' }
  const jest = ['node', 'node_modules/jest/bin/jest.js', ...process.argv.slice(2)]
  const { status } = npx([...within, ...jest], 'inherit')
  return { version: exact, result: status === 0 ? 'passed' : 'failed' }
})

console.log()
for (const { version, result } of results) console.log(`Node.js ${version}: ${result}`)
process.exitCode = results.every(({ result }) => result === 'passed') ? 0 : 1

function npx(args, stdio) {
  return spawnSync('npx', args, { stdio, encoding: 'utf8', shell: process.platform === 'win32' })
}
