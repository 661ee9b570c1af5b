import { type RecordedException, readExceptions, type StackFrame } from '../../src/reading/exception.ts'
import type { Observation } from '../../src/reading/observation.ts'
import { editor, editorLink } from '../data/editor.ts'
import { copyText } from '../parts/notice.tsx'

/** The exceptions that a span recorded, each with its stack. */
export function Exceptions({ observation }: { observation: Observation }) {
  const exceptions = readExceptions(observation)
  return (
    <>
      {exceptions.map((exception, index) => (
        <Exception key={index} exception={exception} />
      ))}
    </>
  )
}

function Exception({ exception: { type, message, frames } }: { exception: RecordedException }) {
  const text = [`${type}: ${message}`, ...frames.map(frame => `    ${frame.text}`)].join('\n')
  return (
    <div class="payload exception" role="group" aria-label="Exception">
      <header>
        <h3>Exception</h3>
        <button
          type="button"
          class="link"
          aria-label="Copy exception"
          onClick={() => copyText(text, 'Exception')}
        >
          Copy
        </button>
      </header>
      <div class="stack">
        <p dir="auto">
          <b>{type}</b>
          {message && `: ${message}`}
        </p>
        {frames.length > 0 && (
          <ol>
            {frames.map((frame, index) => (
              <Frame key={index} frame={frame} />
            ))}
          </ol>
        )}
      </div>
    </div>
  )
}

function Frame({ frame: { text, file, line, column, foreign } }: { frame: StackFrame }) {
  return (
    <li class={foreign ? 'foreign' : ''}>
      <span>{text}</span>
      {file !== undefined && line !== undefined && (
        <a href={editorLink(file, line, column)} title={`Open in ${editor.value}`}>
          open in editor
        </a>
      )}
    </li>
  )
}
