import { extname } from 'node:path'
import { defineConfig, type UserConfig } from 'tsdown'

interface Chunk {
  readonly fileName: string
  readonly isEntry?: boolean
  readonly exports?: readonly string[]
  readonly code?: string
}

interface EmittedFile {
  readonly type: 'asset'
  readonly fileName: string
  readonly source: string
}

/**
 * Emits the ES module of each entry point as re-exports of its CommonJS build. Node.js then has one copy of a package however it is
 * loaded, and bundlers see the `require` calls by which dependencies are loaded when they are first needed.
 */
const moduleWrappers = {
  name: 'module-wrappers',
  generateBundle(
    this: { emitFile(file: EmittedFile): void },
    _options: unknown,
    bundle: Record<string, Chunk>,
  ): void {
    for (const { fileName, isEntry, exports = [], code = '' } of Object.values(bundle)) {
      if (!isEntry || extname(fileName) !== '.cjs') continue
      const shebang = /^#!.*\n/.exec(code)?.[0] ?? ''
      // `default` of a CommonJS module is all of it for Node.js, so the default export is taken by its other name.
      const names = exports.map(name => (name === 'default' ? `${defaultExport(code)} as default` : name))
      const emit = (extension: string, source: string) =>
        this.emitFile({ type: 'asset', fileName: fileName.replace(/\.cjs$/, extension), source })
      emit('.mjs', `${shebang}export { ${names.join(', ')} } from './${fileName}'\n`)
      const types = names.filter(name => name.endsWith(' as default'))
      emit(
        '.d.mts',
        [
          `export * from './${fileName}'`,
          ...types.map(name => `export { ${name} } from './${fileName}'`),
          '',
        ].join('\n'),
      )
    }
  },
}

function defaultExport(code: string): string {
  const name = /^exports\.default = (\w+);$/m.exec(code)?.[1]
  if (name === undefined) throw new Error('a default export needs a second, named export')
  return name
}

const config: UserConfig = defineConfig({
  workspace: 'packages/*',
  entry: ['src/index.ts'],
  format: ['cjs'],
  platform: 'node',
  target: 'node20.19',
  dts: { oxc: true },
  sourcemap: false,
  fixedExtension: true,
  logLevel: 'error',
  outputOptions: { exports: 'named' },
  plugins: [moduleWrappers],
})

export default config
