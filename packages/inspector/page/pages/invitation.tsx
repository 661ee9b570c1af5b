import { copyText } from '../parts/notice.tsx'

/** What a newcomer sees before the first trace. */
export function Invitation() {
  const setting = `LANGFUSE_BASE_URL=${location.origin} LANGFUSE_PUBLIC_KEY=any LANGFUSE_SECRET_KEY=any`
  return (
    <main class="invitation">
      <span class="pulse" aria-hidden="true" />
      <h1>Waiting for the first trace</h1>
      <p>Start your app with its traces pointed here. Any keys will do.</p>
      <pre>
        <code>{`${setting} node app.js`}</code>
        <button type="button" onClick={() => copyText(setting, 'Settings')}>
          Copy
        </button>
      </pre>
      <p class="muted">
        Langfuse's SDKs for JavaScript and Python work as they are, and so does any OTLP/HTTP exporter that
        sends to <code>{location.origin}/v1/traces</code>. Requests show up here as they come in.
      </p>
    </main>
  )
}
