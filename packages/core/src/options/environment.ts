/** The three kinds of environment that have defaults and keys of their own. */
export type EnvironmentKind = 'development' | 'staging' | 'production'

/** A process environment, passed in so that options resolve the same anywhere. */
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

/** Which defaults an environment name takes; a name of the user's own counts as production. */
export function environmentKind(environment: string): EnvironmentKind {
  return KINDS[environment.toLowerCase()] ?? 'production'
}

/** Reads `LANGFUSE_<name>`, the one of this kind of environment (`…_DEV`, `…_STAGING`, `…_PROD`) before the plain one. */
export function langfuseVariable(env: Env, name: string, kind: EnvironmentKind): string | undefined {
  return present(env[`LANGFUSE_${name}_${KEY_SUFFIX[kind]}`]) ?? present(env[`LANGFUSE_${name}`])
}

/** An environment variable that is set to something. */
export function present(value: string | undefined): string | undefined {
  const trimmed = value?.trim()
  return trimmed === '' ? undefined : trimmed
}
