/** Resolves when `condition` holds; fails where it never does. */
export async function until(condition: () => boolean, timeoutMs = 15_000): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!condition()) {
    if (Date.now() > end) throw new Error(`never came true: ${condition}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
