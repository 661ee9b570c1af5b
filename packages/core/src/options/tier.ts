import type { EnvironmentKind } from './environment.ts'

/** How much traffic an app has; sets the defaults of sampling and batching. */
export type Tier = 'starter' | 'growth' | 'enterprise'

/** The defaults of a tier in one kind of environment. */
export interface TierDefaults {
  readonly sampleRate: number
  readonly flushIntervalMs: number
  readonly flushAt: number
}

const TIERS = {
  starter: {
    sampleRate: { development: 1, staging: 1, production: 1 },
    flushIntervalMs: 1_000,
    flushAt: 1,
  },
  growth: {
    sampleRate: { development: 1, staging: 0.5, production: 0.5 },
    flushIntervalMs: 5_000,
    flushAt: 25,
  },
  enterprise: {
    sampleRate: { development: 1, staging: 0.5, production: 0.1 },
    flushIntervalMs: 10_000,
    flushAt: 100,
  },
} as const

/** The defaults of `tier` in an environment of this kind. */
export function tierDefaults(tier: Tier, kind: EnvironmentKind): TierDefaults {
  const { sampleRate, ...batching } = TIERS[tier]
  return { ...batching, sampleRate: sampleRate[kind] }
}
