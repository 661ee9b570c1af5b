import { goBack, listAddress, navigate, segments } from '../data/navigation.ts'
import { nextTheme } from '../data/theme.ts'
import { paused, setPaused } from '../data/traces.ts'
import { compareWith } from '../trace/comparison.ts'
import { chooseOther } from '../trace/other-trace.ts'
import { stepTrace } from '../trace/step-trace.ts'
import { helpShown } from './help-dialog.tsx'

/** Hears the keys that mean the same everywhere. */
export function listenToKeys(): void {
  document.addEventListener('keydown', event => {
    const target = event.target as HTMLElement
    if (document.querySelector('dialog[open]')) return
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return
    if (target.closest('input, select, textarea')) return
    const act = actions[event.key]
    if (!act) return
    event.preventDefault()
    act()
  })
}

const actions: Record<string, () => void> = {
  '/': () => {
    const field = document.getElementById('search')
    if (field) return field.focus()
    navigate(listAddress.value)
    // The field is there once the page has been drawn.
    requestAnimationFrame(() => document.getElementById('search')?.focus())
  },
  '?': () => {
    helpShown.value = true
  },
  t: nextTheme,
  p: () => setPaused(!paused.value),
  c: () => {
    const id = traceId()
    if (id) chooseOther(id)
  },
  '[': () => {
    const id = traceId()
    if (id) stepTrace(id, -1)
  },
  ']': () => {
    const id = traceId()
    if (id) stepTrace(id, 1)
  },
  Escape: () => {
    compareWith(undefined)
    const [first = '', second] = segments.value
    if (second && (first === 'sessions' || first === 'users')) goBack(`/${first}`)
    else if (first !== '') goBack(listAddress.value)
  },
  ArrowDown: () => moveInList('ArrowDown'),
  ArrowUp: () => moveInList('ArrowUp'),
  j: () => moveInList('ArrowDown'),
  k: () => moveInList('ArrowUp'),
}

function traceId(): string | undefined {
  return segments.value[0] === 'traces' ? segments.value[1] : undefined
}

function moveInList(key: string): void {
  const list = document.querySelector<HTMLElement>('.rows')
  if (!list || list.contains(document.activeElement)) return
  list.focus()
  list.dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true }))
}
