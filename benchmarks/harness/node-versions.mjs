import { spawnSync } from 'node:child_process'

/** The programs of a list such as `current,22,24`, each version once. */
export function nodePrograms(list) {
  const programs = list.split(',').map(nodeProgram)
  return programs.filter(({ version }, index) => programs.findIndex(one => one.version === version) === index)
}

/** The program of a Node.js version, from npm unless it is the running one. */
function nodeProgram(version) {
  const [major] = process.versions.node.split('.')
  if (version === 'current' || version === major)
    return { path: process.execPath, version: process.versions.node }
  const { stdout } = spawnSync(
    'npx',
    ['-y', '-p', `node@${version}`, '--', 'node', '-p', "process.execPath + ' ' + process.versions.node"],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const [path, found] = stdout.trim().split(' ')
  if (!found?.startsWith(version)) throw new Error(`Node.js ${version} could not be had from npm`)
  return { path, version: found }
}
