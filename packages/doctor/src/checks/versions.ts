import { findingsOf } from '../report/finding.ts'
import type { Check } from './check.ts'
import { type InstalledPackage, installedPackages } from './installed-packages.ts'

interface Supported {
  /** Least version, and the first that is too new. */
  readonly from: readonly [number, number]
  readonly before?: readonly [number, number]
  readonly shown: string
}

const SUPPORTED: Readonly<Record<string, Supported>> = {
  express: { from: [4, 18], shown: '4.18 or later' },
  fastify: { from: [4, 10], shown: '4.10 or later' },
  '@langfuse/tracing': { from: [5, 11], before: [6, 0], shown: '5.11 or later' },
  '@langfuse/otel': { from: [5, 11], before: [6, 0], shown: '5.11 or later' },
  '@langfuse/client': { from: [5, 11], before: [6, 0], shown: '5.11 or later' },
  '@opentelemetry/api': { from: [1, 9], before: [1, 10], shown: '1.9' },
  '@opentelemetry/sdk-trace-base': { from: [2, 0], before: [3, 0], shown: '2.x' },
}

/** Compares the versions of Node.js and of installed packages with those that work together. */
export const checkVersions: Check = ({ directory }) => {
  const node = findingsOf('node')
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isSupported = major > 20 || (major === 20 && minor >= 19)
  const copies = installedPackages(directory, name => name in SUPPORTED || isOurs(name))
  return [
    isSupported
      ? node.ok(`Node.js ${process.versions.node}`)
      : node.error(`Node.js ${process.versions.node} is too old`, 'install Node.js 20.19 or later'),
    ...packageFindings(copies),
    ...duplicates(copies),
  ]
}

function packageFindings(copies: readonly InstalledPackage[]) {
  const { ok, error, warning } = findingsOf('packages')
  const ours = copies.filter(({ name }) => isOurs(name))
  const versions = new Set(ours.map(({ version }) => version))
  const mismatches = copies.flatMap(({ name, version, folder }) => {
    const supported = SUPPORTED[name]
    if (supported === undefined || isWithin(version, supported)) return []
    return [
      error(
        `${name} ${version} in ${folder}`,
        `needed is ${supported.shown}: npm ls ${name} shows who installs it`,
      ),
    ]
  })
  if (versions.size > 1) {
    const list = ours.map(({ name, version }) => `${name} ${version}`).join(', ')
    mismatches.push(
      error(
        `different versions of our packages: ${list}`,
        'install the same version of all @langfuse-middleware packages',
      ),
    )
  }
  if (!ours.some(({ name }) => /\/(express|fastify|koa|hono|node)$/.test(name))) {
    mismatches.push(
      warning(
        'no adapter is installed here',
        'npm install @langfuse-middleware/express, or run this command in the folder of the app',
      ),
    )
  }
  if (mismatches.length > 0) return mismatches
  return [ok(ours.map(({ name, version }) => `${name.split('/')[1]} ${version}`).join(', '))]
}

/** Two copies of the API at different versions lose each other's spans and context. */
function duplicates(copies: readonly InstalledPackage[]) {
  const { ok, error } = findingsOf('duplicates')
  const apis = copies.filter(({ name }) => name === '@opentelemetry/api')
  if (new Set(apis.map(({ version }) => version)).size < 2)
    return apis.length === 0 ? [] : [ok(`@opentelemetry/api ${apis[0]!.version}, one version`)]
  const list = apis.map(({ version, folder }) => `${version} in ${folder}`).join(', ')
  return [
    error(
      `several versions of @opentelemetry/api: ${list}`,
      'npm dedupe, or one version under "overrides" in package.json',
    ),
  ]
}

function isOurs(name: string): boolean {
  return name.startsWith('@langfuse-middleware/')
}

function isWithin(version: string, { from, before }: Supported): boolean {
  return compare(version, from) >= 0 && (before === undefined || compare(version, before) < 0)
}

function compare(version: string, [major, minor]: readonly [number, number]): number {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number)
  return ownMajor - major || ownMinor - minor
}
