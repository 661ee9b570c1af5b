import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OptionEntry } from '@langfuse-middleware/delivery/options'
import { REQUEST_OPTIONS, ROUTE_OPTIONS } from '../src/options/request-options.ts'
import { TRACING_OPTIONS } from '../src/options/tracing-options.ts'

type Table = Readonly<Record<string, OptionEntry<unknown, never>>>

const PACKAGES = join(__dirname, '../..')
const readme = readFileSync(join(PACKAGES, 'core/README.md'), 'utf8')
const deliveryReadme = readFileSync(join(PACKAGES, 'delivery/README.md'), 'utf8')
const source = (file: string) => readFileSync(join(PACKAGES, 'core/src/options', file), 'utf8')

/** The rows of every table in the README, by the option names in their first column. */
const rows = new Map<string, string>()
for (const [row, first] of readme.matchAll(/^\| (`[^|]*) \|.*$/gm)) {
  for (const [, name] of (first as string).matchAll(/`(\w+)`/g)) rows.set(name as string, row)
}

const options = Object.entries({ ...TRACING_OPTIONS, ...REQUEST_OPTIONS } as Table)

/** A default that is a plain value, as documentation writes it. */
function shownDefault({ default: value }: OptionEntry<unknown, never>): string | undefined {
  return typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number'
    ? String(value)
    : undefined
}

/** Every option of a group, by its name alone, with those of groups in it. */
function nested(table: Table | undefined): [string, OptionEntry<unknown, never>][] {
  return Object.entries(table ?? {}).flatMap(([name, entry]) => [[name, entry], ...nested(entry.group)])
}

describe("the README's table of options", () => {
  it.each(options)('has a row for %s, with its default and its variables', (name, entry) => {
    const row = rows.get(name)
    expect(row).toBeDefined()
    for (const variable of entry.variables ?? []) expect(row).toContain(`\`${variable}\``)
    const value = shownDefault(entry)
    // What `provider` is by default has no name that the code may set.
    if (value !== undefined && name !== 'provider') expect(row?.replaceAll("'", '')).toContain(`\`${value}\``)
  })

  it.each(options.filter(([, entry]) => entry.group))('names every option in %s', (name, entry) => {
    for (const [inner, { variables = [] }] of nested(entry.group)) {
      // The README of delivery has what its own options are about.
      const text = name === 'delivery' ? `${rows.get(name)}${deliveryReadme}` : rows.get(name)
      expect(text).toMatch(new RegExp(`\\b${inner}\\b`))
      for (const variable of variables) expect(text).toContain(`\`${variable}\``)
    }
  })

  it('has no row for an option that does not exist', () => {
    const section = readme.slice(readme.indexOf('## Options'), readme.indexOf('## Across services'))
    const named = [...section.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, first]) =>
      [...(first as string).matchAll(/`(\w+)`/g)].map(match => match[1]),
    )
    const known = [
      ...options.map(([name]) => name),
      ...Object.keys(ROUTE_OPTIONS),
      'starter',
      'growth',
      'enterprise',
    ]
    expect(named.filter(name => !known.includes(name as string))).toEqual([])
  })
})

describe('the docstring of an option', () => {
  it.each([
    ['TracingOptions', 'tracing-options.ts', TRACING_OPTIONS],
    ['BufferOptions', 'tracing-options.ts', TRACING_OPTIONS.buffer.group],
    ['SamplingOptions', 'sampling.ts', TRACING_OPTIONS.sampling.group],
    ['LocalInspectorOptions', 'inspector-options.ts', TRACING_OPTIONS.inspector.group],
    ['RequestOptions', 'request-options.ts', REQUEST_OPTIONS],
    ['RouteOptions', 'request-options.ts', ROUTE_OPTIONS],
  ] as [string, string, Table][])('in %s has its default', (type, file, table) => {
    const [, body = ''] =
      new RegExp(`export interface ${type}\\b.*?\\{\\n(.*?)\\n\\}`, 's').exec(source(file)) ?? []
    const docs = new Map(
      [...body.matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\s*(\w+)\?:/gs)].map(([, doc, name]) => [
        name as string,
        doc as string,
      ]),
    )
    expect([...docs.keys()].sort()).toEqual(Object.keys(table).sort())
    for (const [name, entry] of Object.entries(table)) {
      const [, documented] = /@default (.*)/s.exec(docs.get(name) as string) ?? []
      for (const variable of entry.variables ?? []) expect(documented).toContain(variable)
      const value = shownDefault(entry)
      // Sizes are documented in MiB; a default of no limit has no docstring.
      const isPlain = value !== undefined && value !== 'Infinity' && !(Number(value) >= 1024 * 1024)
      if (isPlain && name !== 'provider') expect(documented).toContain(value)
    }
  })
})
