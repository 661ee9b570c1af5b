import type { Tokens } from './usage.ts'

/** `0.4 ms`, `120 ms`, `1.2 s`, `2 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${ms.toFixed(0)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** `812→95 tokens`, or the total alone where the directions are unknown; empty without tokens. */
export function formatTokens({ input, output, total }: Tokens): string {
  if (input + output > 0) return `${group(input)}→${group(output)} tokens`
  return total > 0 ? `${group(total)} tokens` : ''
}

/** Dollars with as many digits as tell something; empty without cost. */
export function formatCost(dollars: number): string {
  if (dollars <= 0) return ''
  return `$${dollars < 1 ? Number(dollars.toPrecision(2)).toFixed(dollars < 0.0001 ? 6 : 4) : dollars.toFixed(2)}`
}

function group(count: number): string {
  return count.toLocaleString('en-US')
}
