import { type Check, invalid, isRecord } from './checks.ts'
import { MiddlewareError } from './middleware-error.ts'
import { nearestName } from './nearest-name.ts'

/** Where a value comes from if the code sets none. */
export interface OptionSource {
  /** An environment variable, trimmed; undefined if it is not set or empty. */
  variable(name: string): string | undefined
}

/** One option: how its value is checked, and what it is if the code sets none. Without `default` and `derive` it is required. */
export interface OptionEntry<Value, Source extends OptionSource = OptionSource> {
  readonly check: (path: string, value: unknown, source: Source) => Value
  /** The environment variables that set it; the first that is set wins. */
  readonly variables?: readonly string[]
  /** Reads the text of such a variable; its path is the variable's name. @default `check` */
  readonly read?: Check<Value>
  readonly default?: Value
  /** The default, if it depends on other options. */
  readonly derive?: (source: Source) => Value
  /** The options of a group, by name. */
  readonly group?: Readonly<Record<string, OptionEntry<unknown, never>>>
}

/** One entry for each option of `Options`: a missing or a surplus one is a type error. */
export type OptionTable<
  Options,
  Resolved extends { readonly [Name in keyof Options]-?: unknown } = Required<Options>,
  Source extends OptionSource = OptionSource,
> = { readonly [Name in keyof Options]-?: OptionEntry<Resolved[Name], Source> }

// An environment without variables.
const NO_SOURCE: OptionSource = { variable: () => undefined }

/**
 * Resolves every option of `table`: a value of the code wins over a variable, and that over the default; `undefined` equals absent.
 * @throws MiddlewareError LANGFUSE_MIDDLEWARE_INVALID_OPTION, LANGFUSE_MIDDLEWARE_UNKNOWN_OPTION, each with the path of the option
 */
export function resolveTable<
  Options,
  Resolved extends { readonly [Name in keyof Options]-?: unknown },
  Source extends OptionSource,
>(
  path: string,
  options: unknown,
  table: OptionTable<Options, Resolved, Source>,
  source: Source = NO_SOURCE as Source,
): { readonly [Name in keyof Options]-?: Resolved[Name] } {
  checkNames(path, options, Object.keys(table))
  const given = options as { readonly [Name in keyof Options]?: unknown } | undefined
  const resolved = {} as { [Name in keyof Options]-?: Resolved[Name] }
  for (const name of Object.keys(table) as (keyof Options & string)[]) {
    resolved[name] = resolveEntry(join(path, name), given?.[name], table[name], source)
  }
  return Object.freeze(resolved)
}

/** Resolves one option. */
export function resolveEntry<Value, Source extends OptionSource>(
  path: string,
  value: unknown,
  entry: OptionEntry<Value, Source>,
  source: Source,
): Value {
  if (value !== undefined) return entry.check(path, value, source)
  for (const name of entry.variables ?? []) {
    const variable = source.variable(name)
    if (variable !== undefined) return (entry.read ?? entry.check)(name, variable, source)
  }
  if (entry.derive !== undefined) return entry.derive(source)
  return 'default' in entry ? (entry.default as Value) : entry.check(path, undefined, source)
}

/**
 * Checks the options that are given, and no others: for options that are laid over resolved ones.
 * @throws MiddlewareError like `resolveTable`
 */
export function checkTable<
  Options,
  Resolved extends { readonly [Name in keyof Options]-?: unknown },
  Source extends OptionSource,
>(
  path: string,
  options: unknown,
  table: OptionTable<Options, Resolved, Source>,
  source: Source = NO_SOURCE as Source,
): { -readonly [Name in keyof Options]?: Resolved[Name] } {
  checkNames(path, options, Object.keys(table))
  const given = options as { readonly [Name in keyof Options]?: unknown } | undefined
  const checked: { -readonly [Name in keyof Options]?: Resolved[Name] } = {}
  for (const name of Object.keys(given ?? {}) as (keyof Options & string)[]) {
    const value = given?.[name]
    if (value !== undefined) checked[name] = table[name].check(join(path, name), value, source)
  }
  return checked
}

/** The entry of a group of options, none of which is required. */
export function group<
  Options,
  Resolved extends { readonly [Name in keyof Options]-?: unknown },
  Source extends OptionSource = OptionSource,
>(
  table: OptionTable<Options, Resolved, Source>,
): OptionEntry<{ readonly [Name in keyof Options]-?: Resolved[Name] }, Source> {
  return {
    check: (path, value, source) => resolveTable<Options, Resolved, Source>(path, value, table, source),
    derive: source => resolveTable<Options, Resolved, Source>('', {}, table, source),
    group: table as Readonly<Record<string, OptionEntry<unknown, never>>>,
  }
}

/** Throws for a value that is not an object, and for a name that is not in `names`, with the nearest that is. */
export function checkNames(path: string, options: unknown, names: readonly string[]): void {
  if (options === undefined) return
  if (!isRecord(options)) invalid(path || 'options', 'an object', options)
  for (const name of Object.keys(options as object)) {
    if (names.includes(name)) continue
    const nearest = nearestName(name, names)
    throw new MiddlewareError(
      'LANGFUSE_MIDDLEWARE_UNKNOWN_OPTION',
      `${path || 'options'} has no "${name}"${nearest ? `, did you mean "${nearest}"?` : `; it takes ${names.join(', ')}`}`,
    )
  }
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
