import { computed, signal } from '@preact/signals'

const current = signal(new URL(location.href))

addEventListener('popstate', () => {
  current.value = new URL(location.href)
})

/** The path's segments, decoded. */
export const segments = computed(() => current.value.pathname.split('/').slice(1).map(decode))

/** The text in the search field of the list. */
export const query = computed(() => current.value.searchParams.get('q') ?? '')

/** The id of the observation that is selected on a trace's page. */
export const selectedId = computed(() => current.value.searchParams.get('o') ?? undefined)

/** Goes to an address of the inspector. */
export function navigate(address: string, how: 'push' | 'replace' = 'push'): void {
  const next = new URL(address, location.origin)
  if (next.href === current.value.href) return
  if (how === 'push') history.pushState(null, '', next)
  else history.replaceState(null, '', next)
  current.value = next
}

/** Sets or removes a parameter of the address, without a step in the history. */
export function setParameter(name: 'q' | 'o', value: string | undefined): void {
  const next = new URL(current.value)
  if (value) next.searchParams.set(name, value)
  else next.searchParams.delete(name)
  navigate(next.href, 'replace')
}

/** Follows a link inside the page; other links, and clicks meant for a new tab, are left to the browser. */
export function followLink(event: MouseEvent): void {
  const link = (event.target as Element | null)?.closest?.('a')
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return
  event.preventDefault()
  navigate(link.href)
}

/** A text as a segment of an address; half a character, which an address cannot hold, is replaced. */
export function toSegment(text: string): string {
  return encodeURIComponent(wellFormed(text))
}

/** A text without halves of characters. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd')
}

/** Where a trace is shown. */
export function traceAddress(id: string, observationId?: string): string {
  return `/traces/${id}${observationId ? `?o=${observationId}` : ''}`
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
