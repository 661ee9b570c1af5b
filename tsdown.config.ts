import { defineConfig, type UserConfig } from 'tsdown'

const config: UserConfig = defineConfig({
  workspace: 'packages/*',
  entry: ['src/index.ts'],
  format: ['esm', 'cjs'],
  platform: 'node',
  target: 'node20.19',
  dts: { oxc: true },
  sourcemap: false,
  fixedExtension: true,
  logLevel: 'error',
  outputOptions: { exports: 'named' },
})

export default config
