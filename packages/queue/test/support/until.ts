/** Resolves when `condition` holds; fails if it never does, with what `describe` tells. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  describe: () => unknown = () => condition,
  timeoutMs = 45_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`never came true: ${JSON.stringify(describe())}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
