import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(__dirname, '..')

/** What `execFile` of `command` prints; rejects with all of it where the command fails. */
export async function output(
  command: string,
  args: readonly string[],
  cwd: string = ROOT,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  try {
    return (await promisify(execFile)(command, args, { cwd, env })).stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error })
  }
}

interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly devDependencies?: Readonly<Record<string, string>>
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'))
}

/** The names of the packages that are published. */
export const published: readonly string[] = readdirSync(join(ROOT, 'packages'))
  // A folder without a manifest was left behind by a switched branch.
  .filter(name => existsSync(join(ROOT, 'packages', name, 'package.json')))
  .map(name => manifestOf(join('packages', name)))
  .filter(manifest => !manifest.private)
  .map(({ name }) => name)

/** A packed package. */
export interface Tarball {
  readonly name: string
  readonly path: string
  readonly files: readonly string[]
}

/** Packs what would be published into `directory`. */
export async function pack(directory: string): Promise<Tarball[]> {
  const workspaces = published.flatMap(name => ['--workspace', name])
  const printed = await output('npm', ['pack', '--json', '--pack-destination', directory, ...workspaces])
  const packed = JSON.parse(printed) as { name: string; filename: string; files: { path: string }[] }[]
  return packed.map(({ name, filename, files }) => ({
    name,
    path: join(directory, filename),
    files: files.map(({ path }) => path),
  }))
}

/** Installs `tarballs` into `directory`, with the frameworks and `others`, as a user does. */
export async function install(
  directory: string,
  tarballs: readonly Tarball[],
  others: readonly string[] = [],
): Promise<void> {
  const versions: Record<string, string> = Object.assign(
    {},
    ...['.', 'packages/express', 'packages/fastify'].map(folder => manifestOf(folder).devDependencies),
  )
  const frameworks = ['express', 'fastify', '@types/express', '@types/node', ...others]
  const dependencies = Object.fromEntries([
    ...frameworks.map(name => [name, versions[name]]),
    ...tarballs.map(({ name, path }) => [name, `file:${path}`]),
  ])
  await writeFile(join(directory, 'package.json'), JSON.stringify({ private: true, dependencies }))
  await output(
    'npm',
    ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'],
    directory,
  )
}

/** Puts a fixture into `directory`, under another name where one is given. */
export async function addFixture(directory: string, fixture: string, name: string = fixture): Promise<void> {
  await copyFile(join(ROOT, 'test', 'fixtures', fixture), join(directory, name))
}

/** Compiles a program in `directory` as `nodenext`; what TypeScript says of it and of our types. */
export async function compile(directory: string, source: string): Promise<string[]> {
  const config = `tsconfig.${source}.json`
  const compilerOptions = { module: 'nodenext', target: 'es2022', strict: true, types: ['node'] }
  await writeFile(join(directory, config), JSON.stringify({ compilerOptions, files: [source] }))
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc')
  const printed = await promisify(execFile)(tsc, ['--project', config], { cwd: directory }).catch(error => {
    // Complaints make it fail with a number; with anything else it has not run.
    if (typeof error.code !== 'number') throw error
    return error
  })
  const lines = (printed.stdout as string).split('\n').filter(line => line !== '')
  // `skipLibCheck` would skip our types too, and without it TypeScript 7 complains of @langfuse/core's.
  return lines.filter(line => !line.startsWith('node_modules/@langfuse/'))
}
