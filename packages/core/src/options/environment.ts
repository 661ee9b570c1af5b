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

/** The kind of a named environment, by its first word, such as `staging` of `staging-eu`. An unknown name counts as production. */
export function environmentKind(environment: string): EnvironmentKind {
  const [word = ''] = environment.toLowerCase().split(/[-_]/)
  return KINDS[word] ?? 'production'
}

/** NODE_ENV as an environment's name: frameworks and test runners write it in any case, with any characters. */
export function environmentOf(nodeEnv: string): string {
  const name = nodeEnv
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replace(/^(langfuse|-)+/, '')
    .slice(0, 40)
  return name === '' ? 'development' : name
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
  // `docker run --env-file` and some dashboards keep the quotes of a .env file.
  const text = value?.trim().replace(/^(["'])(.*)\1$/, '$2')
  return text === '' ? undefined : text
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
