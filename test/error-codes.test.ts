import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { initTracing, MiddlewareError } from '@langfuse-middleware/core'

const ROOT = join(__dirname, '..')
const sections = [...read('docs/errors.md').matchAll(/^## (\w+)$/gm)].map(match => match[1] as string)

/** Every error code in the source of a package. */
const codes = readdirSync(join(ROOT, 'packages')).flatMap(folder => {
  const source = join(ROOT, 'packages', folder, 'src')
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(file =>
    file.endsWith('.ts'),
  )
  return files.flatMap(
    file => readFileSync(join(source, file), 'utf8').match(/LANGFUSE_MIDDLEWARE_[A-Z_]*[A-Z]\b/g) ?? [],
  )
})

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

it('documents every error code that the packages throw, and no other', () => {
  expect(codes).toContain('LANGFUSE_MIDDLEWARE_INVALID_OPTION')
  expect([...new Set(codes)].sort()).toEqual([...sections].sort())
})

it('links an error to the section on its code', () => {
  const thrown = errorOf(() => initTracing({ tier: 'gold' as 'growth' }))
  const [page, anchor] = thrown.url.split('#') as [string, string]
  expect(thrown.message).toContain(thrown.url)
  expect(page).toMatch(/\/docs\/errors\.md$/)
  // GitHub's anchor of a heading without spaces.
  expect(sections.map(section => section.toLowerCase())).toContain(anchor)
})

function errorOf(work: () => unknown): MiddlewareError {
  try {
    work()
  } catch (error) {
    if (error instanceof MiddlewareError) return error
  }
  throw new Error('no MiddlewareError was thrown')
}
