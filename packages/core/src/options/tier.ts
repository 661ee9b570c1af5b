import type { EnvironmentKind } from './environment.ts'

/** How much traffic an app has; sets the defaults of sampling and batching. */
export type Tier = 'starter' | 'growth' | 'enterprise'

interface TierDefaults {
  readonly sampleRate: Readonly<Record<EnvironmentKind, number>>
  readonly flushIntervalMs: number
  readonly flushAt: number
}

/** What each tier stands for. */
export const TIERS: Readonly<Record<Tier, TierDefaults>> = {
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
}
