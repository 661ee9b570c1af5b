import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { filterExamples } from '../../src/reading/trace-query.ts'

const keys: [string, string][] = [
  ['/', 'Search'],
  ['↑ ↓, j k', 'Move in a list or a tree'],
  ['← →', 'Fold and unfold; to the parent, to the first child'],
  ['Enter', 'Open'],
  ['[ ]', 'Newer and older trace'],
  ['c', 'Compare'],
  ['p', 'Pause and resume'],
  ['t', 'Light, dark, as the system'],
  ['Esc', 'Back'],
  ['?', 'This list'],
]

/** Whether the help is shown. */
export const helpShown = signal(false)

/** Keys, and what the search field understands. */
export function HelpDialog() {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (helpShown.value) dialog.current?.showModal()
    else dialog.current?.close()
  }, [helpShown.value])
  return (
    <dialog
      ref={dialog}
      aria-labelledby="help-title"
      onClose={() => {
        helpShown.value = false
      }}
    >
      <h2 id="help-title">Keys</h2>
      <dl class="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <h2>Search</h2>
      <p>
        Words are looked for in names, messages, inputs, outputs and every other attribute. Quotes keep a
        phrase together, a minus in front excludes. These narrow it down:
      </p>
      <ul class="examples">
        {filterExamples.map(([name, example]) => (
          <li key={name}>
            <code>{example}</code>
          </li>
        ))}
      </ul>
      <form method="dialog">
        <button type="submit" class="primary">
          Close
        </button>
      </form>
    </dialog>
  )
}
