import { httpUrl, text } from '../basics/validation.ts'
import { type Env, type EnvironmentKind, langfuseVariable } from './environment.ts'
import { type InspectorConfig, inspectorUrl } from './inspector-options.ts'

/** Where traces go: Langfuse, a message queue in front of it, the local inspector, an exporter of the app's, mirrors alone, or nowhere for want of keys. */
export type Destination =
  | {
      readonly kind: 'langfuse' | 'inspector'
      readonly baseUrl: string
      readonly publicKey: string
      readonly secretKey: string
    }
  | {
      readonly kind: 'queue'
      readonly baseUrl: string
      readonly publicKey: string
      /** The workers need it; here only media uploads and the Langfuse client do. */
      readonly secretKey: string
    }
  | {
      readonly kind: 'queue'
      readonly baseUrl: string
      readonly publicKey: string
      readonly secretKey: undefined
    }
  | { readonly kind: 'exporter' | 'mirrors' }
  | { readonly kind: 'none'; readonly missing: readonly string[] }

interface DestinationOptions {
  publicKey?: string
  secretKey?: string
  baseUrl?: string
}

const CLOUD = 'https://cloud.langfuse.com'

/** Options beat variables; without keys, development goes to the inspector and everything else nowhere. */
export function resolveDestination(
  options: DestinationOptions,
  env: Env,
  kind: EnvironmentKind,
  inspector: InspectorConfig,
  hasQueue: boolean,
): Destination {
  const read = (name: string) => langfuseVariable(env, name, kind)
  const publicKey =
    options.publicKey === undefined ? read('PUBLIC_KEY') : text('publicKey', options.publicKey)
  const secretKey =
    options.secretKey === undefined ? read('SECRET_KEY') : text('secretKey', options.secretKey)
  const address = options.baseUrl ?? read('BASE_URL') ?? read('HOST') ?? read('BASEURL')
  const baseUrl = address === undefined ? undefined : httpUrl('baseUrl', address)

  if (hasQueue) {
    if (publicKey === undefined) return { kind: 'none', missing: ['LANGFUSE_PUBLIC_KEY'] }
    const project = { kind: 'queue', baseUrl: baseUrl ?? CLOUD, publicKey } as const
    return secretKey === undefined ? { ...project, secretKey } : { ...project, secretKey }
  }
  if (publicKey !== undefined && secretKey !== undefined) {
    return { kind: 'langfuse', baseUrl: baseUrl ?? CLOUD, publicKey, secretKey }
  }
  const missing = [
    ...(publicKey === undefined ? ['LANGFUSE_PUBLIC_KEY'] : []),
    ...(secretKey === undefined ? ['LANGFUSE_SECRET_KEY'] : []),
  ]
  if (inspector.embedded && missing.length === 2) return localInspector(inspectorUrl(inspector.port))
  // One key without the other is a mistake anywhere; none at all is how a newcomer starts.
  const newcomer = kind === 'development' && missing.length === 2 && env.NODE_ENV !== 'test'
  const local = baseUrl !== undefined && isLoopback(baseUrl)
  if (!(newcomer && (baseUrl === undefined || local)) && !(local && missing.length === 2))
    return { kind: 'none', missing }
  return localInspector(baseUrl ?? inspectorUrl())
}

function localInspector(baseUrl: string): Destination {
  return { kind: 'inspector', baseUrl, publicKey: 'pk-lf-local', secretKey: 'sk-lf-local' }
}

/** Whether a URL leads to this machine alone. */
export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}
