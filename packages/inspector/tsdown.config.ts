import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'tsdown'

// Bundled, so that users install nothing but this package.
const bundled = [
  '@bufbuild/protobuf',
  '@modelcontextprotocol/server',
  '@preact/signals',
  '@preact/signals-core',
  '@tanstack/virtual-core',
  'diff',
  'fast-string-truncated-width',
  'fast-string-width',
  'fast-wrap-ansi',
  'marked',
  'preact',
  'uplot',
  'zod',
]

const here = fileURLToPath(new URL('.', import.meta.url))

/** The folder of a package: npm puts it here or at the root. */
function folderOf(name: string): string {
  const folders = [join(here, 'node_modules', name), join(here, '../../node_modules', name)]
  return folders.find(folder => existsSync(folder))!
}

export default defineConfig([
  {
    entry: ['src/index.ts', 'src/cli.ts'],
    // Half of its size is the MCP server's.
    minify: true,
    // Their licences ask to go where their code goes.
    copy: [
      ...bundled.map(name => ({ from: `${folderOf(name)}/{LICENSE,license}*`, to: `dist/licenses/${name}` })),
      { from: 'licenses/*', to: 'dist/licenses/@bufbuild/protobuf' },
    ],
  },
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
      { from: ['page/icon.svg'], to: 'dist/page' },
      { from: ['page/styles/*.css'], to: 'dist/page/styles' },
      { from: `${folderOf('uplot')}/dist/uPlot.min.css`, to: 'dist/page/styles' },
    ],
  },
])
