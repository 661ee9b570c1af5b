/** Whether `work` settled within `timeoutMs`; a rejection counts as settled. The timer holds the process no longer than the work. */
export function settlesWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, timeoutMs, false)
    const settle = () => {
      clearTimeout(timer)
      resolve(true)
    }
    work.then(settle, settle)
  })
}
