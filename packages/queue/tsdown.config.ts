import { defineConfig } from 'tsdown'

export default defineConfig([
  { entry: ['src/index.ts', 'src/kafka.ts', 'src/sqs.ts', 'src/redis.ts'] },
  { entry: ['src/cli.ts'], format: 'esm', dts: false },
])
