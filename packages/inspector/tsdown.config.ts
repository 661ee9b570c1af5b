import { defineConfig } from 'tsdown'

const bundled = ['preact', '@preact/signals', '@preact/signals-core', 'marked']

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
      { from: ['page/app.css', 'page/icon.svg'], to: 'dist/page' },
      // Their licences ask to go where their code goes; npm puts them here or at the root.
      ...bundled.map(name => ({
        from: [`../../node_modules/${name}/LICENSE*`, `node_modules/${name}/LICENSE*`],
        to: `dist/page/licenses/${name}`,
      })),
    ],
  },
])
