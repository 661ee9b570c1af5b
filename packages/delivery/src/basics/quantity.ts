/** Formats a count for a log line: `1,204 spans`. */
export function countOf(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** Formats a number with commas and at most one decimal. The first call of `toLocaleString` would take 20 ms. */
export function grouped(value: number): string {
  const [whole, decimal] = (Math.round(value * 10) / 10).toString().split('.')
  const commas = whole!.replace(/\B(?=(\d{3})+$)/g, ',')
  return decimal === undefined ? commas : `${commas}.${decimal}`
}
