/**
 * Compares a number with a bound such as `>=5`; without a sign, `otherwise` applies. Returns `undefined` if the bound
 * cannot be read, and false if there is no number.
 */
export function compareNumbers(
  held: number | undefined,
  bound: string,
  read: (text: string) => number | undefined,
  otherwise: '>' | '=',
): boolean | undefined {
  const [, sign = otherwise, text = ''] = /^([<>]=?|=)?(.*)$/s.exec(bound) ?? []
  const value = read(text)
  if (value === undefined || Number.isNaN(value)) return undefined
  if (held === undefined || Number.isNaN(held)) return false
  if (sign === '<') return held < value
  if (sign === '<=') return held <= value
  if (sign === '>') return held > value
  return sign === '>=' ? held >= value : held === value
}

const units: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Milliseconds of `1s`, `200ms`, `2min`, `1h`; a bare number is milliseconds. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = 'ms'] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?$/i.exec(text) ?? []
  return amount === undefined ? undefined : Number(amount) * units[unit.toLowerCase()]!
}

/** Milliseconds since the epoch of `10m` (ten minutes ago), `14:30` (today), or a date. */
export function parseTime(text: string, nowMs: number): number | undefined {
  if (/^\d+(?:\.\d+)?(?:s|m|min|h|d)$/i.test(text)) return nowMs - parseDuration(text)!
  const [, hours, minutes, seconds = '0'] = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text) ?? []
  if (hours !== undefined) return new Date(nowMs).setHours(Number(hours), Number(minutes), Number(seconds), 0)
  const time = /^\d{4}-\d{2}-\d{2}/.test(text)
    ? new Date(text.length === 10 ? `${text}T00:00` : text).getTime()
    : Number.NaN
  return Number.isNaN(time) ? undefined : time
}
