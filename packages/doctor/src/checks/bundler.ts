import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findingsOf } from '../report/finding.ts'
import type { Check } from './check.ts'

const { ok, warning } = findingsOf('bundler')
const BUNDLERS = [
  'next',
  'esbuild',
  'webpack',
  'rollup',
  'tsup',
  'tsdown',
  'vite',
  'serverless-esbuild',
  '@vercel/ncc',
]
const NEXT_CONFIGS = ['next.config.js', 'next.config.mjs', 'next.config.ts']

/** Tells bundlers that need a setting. */
export const checkBundler: Check = ({ directory }) => {
  const manifest = JSON.parse(read(join(directory, 'package.json')) ?? '{}') as Record<
    string,
    Record<string, string>
  >
  const installed = { ...manifest.dependencies, ...manifest.devDependencies }
  const found = BUNDLERS.filter(name => name in installed)
  if (found.length === 0) return []
  if (!found.includes('next'))
    return [ok(`${found.join(', ')}: see the guide on bundlers for what was tried`)]
  const config = NEXT_CONFIGS.map(name => read(join(directory, name))).find(text => text !== undefined)
  if (config?.includes('@langfuse-middleware/')) return [ok('next: our packages are external')]
  return [
    warning(
      'Next.js bundles our packages',
      "serverExternalPackages: ['@langfuse-middleware/core'] and the adapter in next.config",
    ),
  ]
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
