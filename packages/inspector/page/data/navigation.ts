import { computed, signal } from '@preact/signals'

/** What an entry of the browser's history keeps. */
interface EntryState {
  /** Number of entries of this page before it. */
  depth: number
  /** Scroll positions by the label of the list. */
  scroll: Record<string, number>
}

const current = signal(new URL(location.href))
let state: EntryState = readState()

addEventListener('popstate', () => {
  state = readState()
  current.value = new URL(location.href)
})

/** The path's segments, decoded. */
export const segments = computed(() => current.value.pathname.split('/').slice(1).map(decode))

/** The text in the search field of the list. */
export const query = computed(() => current.value.searchParams.get('q') ?? '')

/** The id of the observation that is selected on a trace's page. */
export const selectedId = computed(() => current.value.searchParams.get('o') ?? undefined)

/** The column that a list is sorted by, with `-` in front for descending. */
export const sorting = computed(() => current.value.searchParams.get('sort') ?? '')

/** The address as a path. */
export const address = computed(() => current.value.pathname + current.value.search)

/** The address of the list as it was seen last, filter included. */
export const listAddress = signal('/')

/** Goes to an address of the inspector. */
export function navigate(address: string, how: 'push' | 'replace' = 'push'): void {
  const next = new URL(address, location.origin)
  if (next.href === current.value.href) return
  if (how === 'push') {
    state = { depth: state.depth + 1, scroll: {} }
    history.pushState(state, '', next)
  } else {
    history.replaceState(state, '', next)
  }
  current.value = next
}

/** Goes back to where the user came from, or to `parent` if this page was opened directly. */
export function goBack(parent: string): void {
  if (state.depth > 0) history.back()
  else navigate(parent)
}

/** Sets or removes a parameter of the address, without a step in the history. */
export function setParameter(name: 'q' | 'o' | 'sort', value: string | undefined): void {
  const next = new URL(current.value)
  if (value) next.searchParams.set(name, value)
  else next.searchParams.delete(name)
  navigate(next.href, 'replace')
}

/** The scroll position that a list had in this entry of the history; 0 if none is known. */
export function recallScroll(label: string): number {
  return state.scroll[label] ?? 0
}

/** Stores the scroll position of a list in this entry of the history. */
export function rememberScroll(label: string, top: number): void {
  state = { ...state, scroll: { ...state.scroll, [label]: top } }
  history.replaceState(state, '', location.href)
}

/** Follows a link inside the page; other links, and clicks meant for a new tab, are left to the browser. */
export function followLink(event: MouseEvent): void {
  const link = (event.target as Element | null)?.closest?.('a')
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return
  event.preventDefault()
  navigate(link.href)
}

/** Encodes a text as a segment of an address; replaces halves of characters, which an address cannot contain. */
export function toSegment(text: string): string {
  return encodeURIComponent(wellFormed(text))
}

/** A text without halves of characters. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd')
}

/** Where a trace is shown. */
export function traceAddress(id: string, words = ''): string {
  return `/traces/${id}${words === '' ? '' : `?q=${toSegment(words)}`}`
}

function readState(): EntryState {
  const { depth, scroll } = (history.state ?? {}) as Partial<EntryState>
  return { depth: depth ?? 0, scroll: scroll ?? {} }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
