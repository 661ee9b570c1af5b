import type { Details } from './usage.ts'

/** Computes the cost of a call by kind of usage; `undefined` if the model's prices are unknown. */
export type PriceOf = (model: string, usage: Details) => Details | undefined

/** Computes no costs. */
export const noPrices: PriceOf = () => undefined
