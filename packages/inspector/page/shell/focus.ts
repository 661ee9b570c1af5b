import { effect } from '@preact/signals'
import { segments } from '../data/navigation.ts'

/** Moves the focus to the new page after each navigation, so that keys and screen readers go on there. */
export function focusAfterNavigation(): void {
  let before: string | undefined
  effect(() => {
    const path = segments.value.join('/')
    const isFirst = before === undefined
    if (path === before) return
    before = path
    if (isFirst) return
    // Once the page has been drawn.
    requestAnimationFrame(() => {
      const target = document.querySelector<HTMLElement>('main .trace-table, main .group-table, main h1')
      if (!target || document.activeElement?.closest('main')) return
      if (target.tabIndex < 0) target.tabIndex = -1
      target.focus({ preventScroll: true })
    })
  })
}
