/** @jest-config-loader esbuild-register */
import type { Config } from 'jest'

const config: Config = {
  testEnvironment: 'node',
  // Jest would wrap the properties of whatever a test file leaves behind; a later write to one then recurses without end.
  testEnvironmentOptions: { globalsCleanup: 'off' },
  testMatch: [
    '<rootDir>/packages/*/test/**/*.test.ts',
    '<rootDir>/examples/*/*.test.ts',
    '<rootDir>/test/**/*.test.ts',
  ],
  transform: {
    '^.+\\.(ts|mts|js|mjs)$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }],
  },
  // ESM-only packages, which Jest cannot require before Node 24.9.
  transformIgnorePatterns: [
    '/node_modules/(?!(.+/)?(@platformatic|cookie|fast-string-truncated-width|fast-string-width|fast-wrap-ansi)/)',
  ],
  moduleNameMapper: {
    '^@langfuse-middleware/([^/]+)$': '<rootDir>/packages/$1/src/index.ts',
    '^@langfuse-middleware/([^/]+)/(.+)$': '<rootDir>/packages/$1/src/$2.ts',
  },
  modulePathIgnorePatterns: ['<rootDir>/packages/[^/]+/dist'],
  testTimeout: 60_000,
  reporters: ['default', '<rootDir>/scripts/skipped-tests-reporter.mjs'],
}

export default config
