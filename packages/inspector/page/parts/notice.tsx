import { signal } from '@preact/signals'

const showMs = 4_000
const text = signal('')
let timer: ReturnType<typeof setTimeout> | undefined

/** Says in a corner, and to screen readers, what was done. */
export function notify(message: string): void {
  text.value = message
  clearTimeout(timer)
  timer = setTimeout(() => {
    text.value = ''
  }, showMs)
}

/** Puts a text on the clipboard and says so. */
export async function copyText(copied: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(copied)
    notify(`${what} copied`)
  } catch {
    notify(`The browser did not let ${what} be copied`)
  }
}

/** Where notices appear. */
export function Notice() {
  return (
    <div class={`notice${text.value ? ' shown' : ''}`} role="status">
      {text.value}
    </div>
  )
}
