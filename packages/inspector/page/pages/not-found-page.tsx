import { usePageTitle } from '../data/page-title.ts'

/** An address that the inspector does not know. */
export function NotFoundPage() {
  usePageTitle('Nothing here')
  return (
    <main class="empty">
      <h1>Nothing here</h1>
      <p class="muted">
        The inspector has no page at this address. <a href="/">All traces</a>
      </p>
    </main>
  )
}
