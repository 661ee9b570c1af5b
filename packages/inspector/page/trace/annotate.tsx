import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { ask } from '../data/server.ts'
import { notify } from '../parts/notice.tsx'

/** A form for a score or a comment on a trace, given by hand. */
export function AnnotateForm({ traceId, onDone }: { traceId: string; onDone(): void }) {
  const name = useSignal('quality')
  const value = useSignal('1')
  const comment = useSignal('')
  const save = async (event: Event): Promise<void> => {
    event.preventDefault()
    const number = Number(value.value)
    await post('/api/public/scores', {
      traceId,
      name: name.value.trim(),
      value: value.value.trim() === '' || Number.isNaN(number) ? value.value : number,
      ...(comment.value.trim() !== '' && { comment: comment.value }),
    }).then(
      () => {
        notify('Score saved')
        onDone()
      },
      error => notify(`Not saved: ${error.message}`),
    )
  }
  return (
    <form class="trace-form" aria-label="Score" onSubmit={save}>
      <label>
        Name
        <input
          required
          value={name.value}
          onInput={event => {
            name.value = event.currentTarget.value
          }}
        />
      </label>
      <label>
        Value
        <input
          required
          value={value.value}
          onInput={event => {
            value.value = event.currentTarget.value
          }}
        />
      </label>
      <label class="wide">
        Comment
        <input
          value={comment.value}
          dir="auto"
          onInput={event => {
            comment.value = event.currentTarget.value
          }}
        />
      </label>
      <button type="submit" class="primary">
        Save score
      </button>
      <button type="button" onClick={onDone}>
        Cancel
      </button>
    </form>
  )
}

/** A form that saves the request of a trace as an item of a dataset file. */
export function DatasetForm({ traceId, onDone }: { traceId: string; onDone(): void }) {
  const dataset = useSignal('questions')
  const withOutput = useSignal(true)
  const known = useSignal<{ name: string; items: number }[]>([])
  useEffect(() => {
    ask<{ datasets: { name: string; items: number }[] }>('/api/datasets').then(
      ({ datasets }) => {
        known.value = datasets
        if (datasets[0]) dataset.value = datasets[0].name
      },
      () => {},
    )
  }, [])
  const save = async (event: Event): Promise<void> => {
    event.preventDefault()
    const item = { dataset: dataset.value.trim(), withOutput: withOutput.value }
    await post<{ path: string; remark?: string }>(`/api/traces/${traceId}/dataset`, item).then(
      ({ path, remark }) => {
        notify(remark ? `Saved to ${path}: ${remark}` : `Saved to ${path}`)
        onDone()
      },
      error => notify(`Not saved: ${error.message}`),
    )
  }
  return (
    <form class="trace-form" aria-label="Dataset item" onSubmit={save}>
      <label>
        Dataset
        <input
          required
          list="known-datasets"
          value={dataset.value}
          onInput={event => {
            dataset.value = event.currentTarget.value
          }}
        />
      </label>
      <datalist id="known-datasets">
        {known.value.map(({ name, items }) => (
          <option key={name} value={name}>
            {items} items
          </option>
        ))}
      </datalist>
      <label class="check">
        <input
          type="checkbox"
          checked={withOutput.value}
          onChange={event => {
            withOutput.value = event.currentTarget.checked
          }}
        />
        Its answer is the expected output
      </label>
      <button type="submit" class="primary">
        Save item
      </button>
      <button type="button" onClick={onDone}>
        Cancel
      </button>
    </form>
  )
}

function post<T>(path: string, body: object): Promise<T> {
  return ask<T>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}
