import type { Tokens } from './usage.ts'

/** `0.4 ms`, `120 ms`, `1.2 s`, `2 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${ms.toFixed(0)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** `812→95 tokens`, or one number where only one direction is known; empty without tokens. */
export function formatTokens({ input, output, total }: Tokens): string {
  if (input > 0 && output > 0) return `${group(input)}→${group(output)} tokens`
  const known = input + output || total
  return known > 0 ? `${group(known)} tokens` : ''
}

/** Dollars with as many digits as tell something; empty without cost. */
export function formatCost(dollars: number): string {
  if (dollars <= 0) return ''
  if (dollars < 0.0001) return '<$0.0001'
  return `$${dollars.toFixed(dollars < 1 ? 4 : 2)}`
}

function group(count: number): string {
  return count.toLocaleString('en-US')
}
