import type { ServerError } from '../data/server.ts'

/** What is shown in place of a trace that cannot be shown, with the reason. */
export function MissingTrace({ id, error }: { id: string; error: ServerError | undefined }) {
  if (!error) return <main class="empty">Loading …</main>
  if (error.status === 404) {
    return (
      <main class="empty">
        <h1>No such trace</h1>
        <p class="muted">
          {id} is not here yet: this page shows it as soon as it comes. <a href="/">All traces</a>
        </p>
      </main>
    )
  }
  const title =
    error.status === 0 ? 'The inspector does not answer' : error.status === 410 ? 'Dropped' : 'Not loaded'
  return (
    <main class="empty">
      <h1>{title}</h1>
      <p class="muted">
        {error.status === 0
          ? 'It may have been stopped. This page goes on as soon as it is back.'
          : `${id}: ${error.message}.`}{' '}
        <a href="/">All traces</a>
      </p>
    </main>
  )
}
