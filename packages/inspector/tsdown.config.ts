import { defineConfig } from 'tsdown'

export default defineConfig([
  { entry: ['src/index.ts', 'src/cli.ts'] },
  {
    entry: { app: 'page/app.tsx' },
    outDir: 'dist/page',
    format: 'esm',
    platform: 'browser',
    tsconfig: 'page/tsconfig.json',
    target: 'es2023',
    minify: true,
    dts: false,
    fixedExtension: false,
    noExternal: [/./],
    copy: [
      { from: 'page/app.css', to: 'dist/page' },
      { from: 'page/icon.svg', to: 'dist/page' },
    ],
  },
])
