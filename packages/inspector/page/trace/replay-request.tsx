import { useSignal } from '@preact/signals'
import { useState } from 'preact/hooks'
import { formatDuration } from '../../src/reading/quantity.ts'
import type { SendableRequest } from '../../src/reading/request-copy.ts'
import { type ReplayState, replay } from '../data/replay.ts'

/** Sends the request of a trace again to the app that runs, as it was or edited. */
export function ReplayRequest({ request, onDone }: { request: SendableRequest; onDone(): void }) {
  const url = useSignal(request.url)
  const body = useSignal(request.body ?? '')
  const [state, setState] = useState<ReplayState | undefined>(undefined)
  const { method, headers, remarks } = request
  const send = async (event: Event): Promise<void> => {
    event.preventDefault()
    const sent = { method, headers, url: url.value, ...(body.value !== '' && { body: body.value }) }
    await replay('request', sent, setState)
  }
  return (
    <form class="trace-form replay" aria-label="Replay request" onSubmit={send}>
      <label class="wide">
        {method}
        <input
          required
          type="url"
          value={url.value}
          onInput={event => {
            url.value = event.currentTarget.value
          }}
        />
      </label>
      {method !== 'GET' && method !== 'HEAD' && (
        <label class="wide">
          Body
          <textarea
            rows={4}
            value={body.value}
            onInput={event => {
              body.value = event.currentTarget.value
            }}
          />
        </label>
      )}
      {remarks.map(remark => (
        <p key={remark} class="muted wide">
          {remark}
        </p>
      ))}
      <button type="submit" class="primary" disabled={state?.isRunning}>
        Send
      </button>
      <button type="button" onClick={onDone}>
        Close
      </button>
      {state && (
        <div class="wide" role="status">
          <p>
            {state.error ??
              `${state.status ?? '…'}${state.durationMs === undefined ? '' : ` after ${formatDuration(state.durationMs)}`}`}
          </p>
          <pre class="plain">{state.text}</pre>
        </div>
      )}
    </form>
  )
}
