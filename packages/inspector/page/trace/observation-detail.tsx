import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { type Observation, toObservation } from '../../src/reading/observation.ts'
import { formatCost, formatDuration } from '../../src/reading/quantity.ts'
import type { Score } from '../../src/reading/score.ts'
import type { OutlineRow } from '../../src/server/trace-outline.ts'
import { JsonView } from '../content/json-view.tsx'
import { Payload } from '../content/payload.tsx'
import { toSegment } from '../data/navigation.ts'
import { fetchSpan } from '../data/server.ts'
import { formatKinds, LevelMark, TypeBadge } from '../parts/marks.tsx'
import { formatFullMoment } from '../parts/moment.ts'

const isFilled = (value: object): boolean => Object.keys(value).length > 0

/** Everything about one observation, what went wrong first. */
export function ObservationDetail(props: { traceId: string; row: OutlineRow; scores: Score[] }) {
  const { traceId, row, scores } = props
  const { observation, error } = useObservation(traceId, row)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the pane is scrolled with the keyboard
    <section class="detail" aria-label="Observation" tabIndex={0}>
      <h2>
        <TypeBadge type={row.type} />
        {row.level !== 'DEFAULT' && <LevelMark level={row.level} />}
        <span class="text">{row.name || '(no name)'}</span>
      </h2>
      {error && <p class="muted">{error}</p>}
      {observation && <Detail observation={observation} isRunning={row.running} scores={scores} />}
    </section>
  )
}

function Detail(props: { observation: Observation; isRunning: boolean; scores: Score[] }) {
  const { observation, isRunning, scores } = props
  const { level, statusMessage, metadata, events, links, attributes, resource } = observation
  return (
    <>
      {statusMessage && (level === 'ERROR' || level === 'WARNING') ? (
        <p class={`status-message is-${level.toLowerCase()}`}>{statusMessage}</p>
      ) : null}
      <Facts observation={observation} isRunning={isRunning} />
      {scores.length > 0 && <Scores scores={scores} />}
      {observation.input !== undefined && <Payload title="Input" value={observation.input} />}
      {observation.output !== undefined && <Payload title="Output" value={observation.output} markdown />}
      {isFilled(metadata) && (
        <div class="payload" role="group" aria-label="Metadata">
          <header>
            <h3>Metadata</h3>
          </header>
          <JsonView value={metadata} searchable />
        </div>
      )}
      {events.length > 0 && <More title={`Events (${events.length})`} value={events} />}
      {links.length > 0 && <More title={`Links (${links.length})`} value={links} />}
      <More title={`Attributes (${Object.keys(attributes).length})`} value={attributes} />
      {isFilled(resource) && <More title={`Resource (${Object.keys(resource).length})`} value={resource} />}
    </>
  )
}

function Facts({ observation, isRunning }: { observation: Observation; isRunning: boolean }) {
  const { startTimeMs, completionStartTimeMs: first, prompt, usage, costDetails } = observation
  const { level, statusMessage } = observation
  const parameters = observation.modelParameters
  const facts: [string, ComponentChildren][] = [
    ['Level', level === 'DEFAULT' ? '' : level],
    ['Message', level === 'DEFAULT' || level === 'DEBUG' ? statusMessage : ''],
    ['Model', observation.model],
    [
      'Prompt',
      prompt && (
        <a href={`/?q=${toSegment(`"${prompt.name}"`)}`} title="Traces that used this prompt">
          {prompt.name}
          {prompt.version !== undefined && ` v${prompt.version}`}
        </a>
      ),
    ],
    ['Started', formatFullMoment(startTimeMs)],
    ['Duration', isRunning ? 'still running' : formatDuration(observation.durationMs)],
    ['First token', first === undefined ? '' : `after ${formatDuration(Math.max(0, first - startTimeMs))}`],
    ['Usage', formatKinds(usage, amount => amount.toLocaleString('en-US'))],
    ['Cost', formatKinds(costDetails, formatCost)],
    ['Parameters', formatParameters(parameters)],
    ['Service', observation.service],
    ['Scope', observation.scope],
    ['Span', observation.id],
  ]
  return (
    <dl class="facts">
      {facts.map(([name, value]) =>
        value ? (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ) : null,
      )}
    </dl>
  )
}

function formatParameters(parameters: unknown): string {
  if (typeof parameters !== 'object' || parameters === null) return String(parameters ?? '')
  return Object.entries(parameters)
    .filter(([, value]) => value !== '' && value !== null)
    .slice(0, 20)
    .map(([name, value]) => `${name} ${typeof value === 'object' ? '…' : String(value)}`)
    .join(' · ')
}

function Scores({ scores }: { scores: Score[] }) {
  return (
    <div class="payload" role="group" aria-label="Scores">
      <header>
        <h3>Scores</h3>
      </header>
      <ul class="scores">
        {scores.map(score => (
          <li key={score.id}>
            <span class="tag score">
              ★ {score.name} {String(score.value)}
            </span>
            {score.comment}
          </li>
        ))}
      </ul>
    </div>
  )
}

function More({ title, value }: { title: string; value: unknown }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <details class="more" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{title}</summary>
      {isOpen && <JsonView value={value} searchable />}
    </details>
  )
}

/** Loads an observation; again when it has ended. */
export function useObservation(
  traceId: string,
  row: OutlineRow | undefined,
): { observation: Observation | undefined; error: string | undefined } {
  const [state, setState] = useState<{ observation?: Observation; error?: string }>({})
  useEffect(() => {
    if (!row) return
    let isCurrent = true
    fetchSpan(traceId, row.id).then(
      span => isCurrent && setState({ observation: toObservation(span) }),
      error => isCurrent && setState({ error: error.message }),
    )
    return () => {
      isCurrent = false
    }
  }, [traceId, row?.id, row?.running, row?.endTimeMs])
  return { observation: state.observation, error: state.error }
}
