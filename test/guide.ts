import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A code block of a guide. */
export interface CodeBlock {
  readonly language: string
  readonly code: string
  /** The file it belongs in, from a comment in its first line such as `// app.mjs`. */
  readonly file: string | undefined
}

/** The code blocks of a guide in `docs`, by the second-level heading they are under. */
export function guide(name: string): Map<string, CodeBlock[]> {
  const text = readFileSync(join(__dirname, '..', 'docs', `${name}.md`), 'utf8')
  const sections = new Map<string, CodeBlock[]>()
  for (const section of text.split(/^## /m).slice(1)) {
    const blocks = [...section.matchAll(/^```(\w+)\n(.*?)^```/gms)].map(([, language = '', code = '']) => ({
      language,
      code,
      file: /^(?:\/\/|#) ([\w./-]+\.\w+)\n/.exec(code)?.[1],
    }))
    sections.set(section.slice(0, section.indexOf('\n')), blocks)
  }
  return sections
}
