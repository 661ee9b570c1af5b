import { langfuseBaseUrl } from '@langfuse-middleware/delivery/options'
import type { Env, EnvironmentKind } from './environment.ts'
import { type InspectorConfig, inspectorUrl } from './inspector-options.ts'

/** Where traces go: Langfuse, a message queue in front of it, the local inspector, the app's own exporter, mirrors only, or nowhere because keys are missing. */
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

interface Keys {
  readonly publicKey: string | undefined
  readonly secretKey: string | undefined
  readonly baseUrl: string | undefined
}

const CLOUD = 'https://cloud.langfuse.com'

/** Chooses between queue, Langfuse and inspector: without keys, development sends to the inspector, and everything else nowhere. */
export function resolveDestination(
  { publicKey, secretKey, baseUrl: address }: Keys,
  env: Env,
  kind: EnvironmentKind,
  inspector: InspectorConfig,
  hasQueue: boolean,
): Destination {
  const baseUrl = address === undefined ? undefined : langfuseBaseUrl(address)
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
  // One key without the other is always a mistake. A newcomer starts without any.
  if (missing.length < 2) return { kind: 'none', missing }
  if (inspector.embedded) return localInspector(inspectorUrl(inspector.port))
  const isLocal = baseUrl !== undefined && isLoopback(baseUrl)
  const isNewcomer = baseUrl === undefined && kind === 'development' && env.NODE_ENV !== 'test'
  return isLocal || isNewcomer ? localInspector(baseUrl ?? inspectorUrl()) : { kind: 'none', missing }
}

function localInspector(baseUrl: string): Destination {
  return { kind: 'inspector', baseUrl, publicKey: 'pk-lf-local', secretKey: 'sk-lf-local' }
}

/** Whether a URL points to this machine. */
export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}
