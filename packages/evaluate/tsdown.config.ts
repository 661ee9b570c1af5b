import { defineConfig } from 'tsdown'

export default defineConfig({ entry: ['src/index.ts', 'src/matchers.ts', 'src/cli.ts'] })
