/** The test of an expression, the same for every call. */
export function stateless(pattern: RegExp): (text: string) => boolean {
  // A global or sticky expression remembers where it stopped, and would miss every other match.
  const copy = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
  return text => copy.test(text)
}
