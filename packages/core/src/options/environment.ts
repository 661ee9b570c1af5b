import { type Check, flag, type OptionSource } from '@langfuse-middleware/delivery/options'

/** The three kinds of environment, each with its own defaults and keys. */
export type EnvironmentKind = 'development' | 'staging' | 'production'

/** A process environment. A parameter rather than `process.env`, so that options resolve the same anywhere. */
export type Env = Readonly<Record<string, string | undefined>>

const KINDS: Readonly<Record<string, EnvironmentKind>> = {
  development: 'development',
  dev: 'development',
  local: 'development',
  test: 'development',
  staging: 'staging',
  stage: 'staging',
  preview: 'staging',
  qa: 'staging',
}

const KEY_SUFFIX: Readonly<Record<EnvironmentKind, string>> = {
  development: 'DEV',
  staging: 'STAGING',
  production: 'PROD',
}

/** The kind of a named environment; a name that is not known counts as production. */
export function environmentKind(environment: string): EnvironmentKind {
  return KINDS[environment.toLowerCase()] ?? 'production'
}

/** Reads variables of `env`; for a `LANGFUSE_…` variable, the one of `kind` (`…_DEV`, `…_STAGING`, `…_PROD`) wins over the plain one. */
export function variablesOf(env: Env, kind?: EnvironmentKind): OptionSource {
  return {
    variable(name) {
      const ofKind = kind !== undefined && name.startsWith('LANGFUSE_')
      return (ofKind ? present(env[`${name}_${KEY_SUFFIX[kind]}`]) : undefined) ?? present(env[name])
    },
  }
}

function present(value: string | undefined): string | undefined {
  const trimmed = value?.trim()
  return trimmed === '' ? undefined : trimmed
}

/** Reads a variable as a number and checks it. */
export function numberFrom(check: Check<number>): Check<number> {
  return (path, text) => {
    const number = Number(text)
    // `check` refuses the text, and shows it in its message.
    return check(path, Number.isNaN(number) ? text : number)
  }
}

/** Reads a variable as a flag: `true`, `1`, `yes`, `on`, or `false`, `0`, `no`, `off`. */
export const flagFrom: Check<boolean> = (path, text) => {
  const word = String(text).toLowerCase()
  if (['true', '1', 'yes', 'on'].includes(word)) return true
  if (['false', '0', 'no', 'off'].includes(word)) return false
  return flag(path, text)
}
