import { useEffect, useState } from 'preact/hooks'
import { formatCost, formatDuration, formatTokens } from '../../src/reading/quantity.ts'
import type { TraceSummary } from '../../src/reading/trace-summary.ts'
import type { Turn } from '../../src/reading/turn.ts'
import { TextView } from '../content/text-view.tsx'
import { traceAddress } from '../data/navigation.ts'
import { ask } from '../data/server.ts'
import { StatusMark } from '../parts/marks.tsx'
import { formatMoment } from '../parts/moment.ts'

const turnsAtOnce = 30

/** The traces of a session as a conversation: question and answer of each, oldest first. */
export function Conversation({ traces }: { traces: readonly TraceSummary[] }) {
  const [shown, setShown] = useState(turnsAtOnce)
  const ordered = traces.toSorted((a, b) => a.startTimeMs - b.startTimeMs)
  const visible = ordered.slice(-shown)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the conversation is scrolled with the keyboard
    <section class="conversation" aria-label="Conversation" tabIndex={0}>
      {ordered.length > shown && (
        <button type="button" class="unfold" onClick={() => setShown(shown + turnsAtOnce)}>
          Show {Math.min(turnsAtOnce, ordered.length - shown)} earlier requests
        </button>
      )}
      {visible.map(trace => (
        <TurnView key={trace.id} trace={trace} />
      ))}
    </section>
  )
}

function TurnView({ trace }: { trace: TraceSummary }) {
  const turn = useTurn(trace)
  const { totals, errorMessage, scores } = trace
  const facts = [formatDuration(trace.durationMs), formatTokens(totals.tokens), formatCost(totals.cost)]
  return (
    <article class="turn" aria-label={`${trace.name}, ${formatMoment(trace.startTimeMs)}`}>
      <header>
        <StatusMark trace={trace} />
        <a href={traceAddress(trace.id)}>{trace.name || '(no name)'}</a>
        <span class="muted">
          {[formatMoment(trace.startTimeMs), ...facts].filter(fact => fact !== '').join(' · ')}
        </span>
      </header>
      {turn.question !== undefined && (
        <div class="message role-user">
          <TextView text={turn.question} markdown={false} />
        </div>
      )}
      {turn.answer !== undefined && (
        <div class="message role-assistant">
          <TextView text={turn.answer} markdown />
        </div>
      )}
      {errorMessage && (
        <p class="status-message is-error" dir="auto">
          {errorMessage}
        </p>
      )}
      {scores.map(score => (
        <span key={score.id} class="tag score">
          ★ {score.name} {String(score.value)}
        </span>
      ))}
    </article>
  )
}

/** The words of a trace; the cut ones of the list until the whole ones are here. */
function useTurn({ id, question, answer, settled, revision, observationCount }: TraceSummary): Turn {
  const [turn, setTurn] = useState<Turn>({ ...(question && { question }), ...(answer && { answer }) })
  useEffect(() => {
    let isCurrent = true
    ask<Turn>(`/api/traces/${id}/turn`).then(
      whole => isCurrent && setTurn(whole),
      () => {},
    )
    return () => {
      isCurrent = false
    }
  }, [id, settled, revision, observationCount])
  return turn
}
