import type { ComponentChildren } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { Observation } from '../../src/reading/observation.ts'
import { formatCost, formatDuration } from '../../src/reading/quantity.ts'
import type { Score } from '../../src/reading/score.ts'
import type { OutlineRow } from '../../src/server/trace-outline.ts'
import { findInJson } from '../content/json-match.ts'
import { JsonView } from '../content/json-view.tsx'
import { Payload } from '../content/payload.tsx'
import { nowMs } from '../data/clock.ts'
import { toSegment } from '../data/navigation.ts'
import { termsOf, useHighlight } from '../parts/highlight.ts'
import { formatKinds, LevelMark, TypeBadge } from '../parts/marks.tsx'
import { formatFullMoment } from '../parts/moment.ts'
import { Exceptions } from './exceptions.tsx'
import { useObservation } from './observation.ts'

const isFilled = (value: object): boolean => Object.keys(value).length > 0

/** Everything about one observation, what went wrong first. */
export function ObservationDetail(props: {
  traceId: string
  row: OutlineRow
  scores: Score[]
  /** Changes when the trace was loaded again. */
  version: number
  /** What was searched for. */
  words: string
}) {
  const { traceId, row, scores, version, words } = props
  const { observation, error } = useObservation(traceId, row, version)
  const pane = useHighlight(words)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the pane is scrolled with the keyboard
    <section class="detail" aria-label="Observation" tabIndex={0} ref={pane}>
      <h2>
        <TypeBadge type={row.type} />
        {row.level !== 'DEFAULT' && <LevelMark level={row.level} />}
        <span class="text" dir="auto">
          {row.name || '(no name)'}
        </span>
        {row.type === 'generation' && !row.running && (
          <a class="button" href={`/playground/${traceId}/${row.id}`}>
            Playground
          </a>
        )}
      </h2>
      {error && <p class="muted">{error}</p>}
      {observation && <Detail observation={observation} row={row} scores={scores} words={words} />}
    </section>
  )
}

function Detail(props: { observation: Observation; row: OutlineRow; scores: Score[]; words: string }) {
  const { observation, row, scores, words } = props
  const { level, statusMessage, metadata, events, links, attributes, resource } = observation
  return (
    <>
      {statusMessage && (level === 'ERROR' || level === 'WARNING') ? (
        <p class={`status-message is-${level.toLowerCase()}`}>{statusMessage}</p>
      ) : null}
      <Exceptions observation={observation} />
      <Facts observation={observation} row={row} />
      {scores.length > 0 && <Scores scores={scores} />}
      {observation.input !== undefined && <Payload title="Input" value={observation.input} words={words} />}
      {observation.output !== undefined && (
        <Payload title="Output" value={observation.output} markdown words={words} />
      )}
      {isFilled(metadata) && (
        <div class="payload" role="group" aria-label="Metadata">
          <header>
            <h3>Metadata</h3>
          </header>
          <JsonView value={metadata} searchable words={words} />
        </div>
      )}
      {events.length > 0 && <More title={`Events (${events.length})`} value={events} words={words} />}
      {links.length > 0 && <More title={`Links (${links.length})`} value={links} words={words} />}
      <More title={`Attributes (${Object.keys(attributes).length})`} value={attributes} words={words} />
      {isFilled(resource) && (
        <More title={`Resource (${Object.keys(resource).length})`} value={resource} words={words} />
      )}
    </>
  )
}

function Facts({ observation, row }: { observation: Observation; row: OutlineRow }) {
  const { startTimeMs, completionStartTimeMs: first, prompt, usage } = observation
  const { costDetails, costEstimated } = row
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
    [
      'Duration',
      row.running ? <RunningFor startTimeMs={startTimeMs} /> : formatDuration(observation.durationMs),
    ],
    ['First token', first === undefined ? '' : `after ${formatDuration(Math.max(0, first - startTimeMs))}`],
    ['Usage', formatKinds(usage, amount => amount.toLocaleString('en-US'))],
    [costEstimated ? 'Cost, by price table' : 'Cost', formatKinds(costDetails, formatCost)],
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

function RunningFor({ startTimeMs }: { startTimeMs: number }) {
  return <>{formatDuration(Math.max(0, nowMs.value - startTimeMs))}, still running</>
}

function More({ title, value, words }: { title: string; value: unknown; words: string }) {
  const hasHit = useMemo(() => termsOf(words).some(term => findInJson(value, term).count > 0), [value, words])
  const [isOpen, setOpen] = useState(hasHit)
  return (
    <details class="more" open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{title}</summary>
      {isOpen && <JsonView value={value} searchable words={words} />}
    </details>
  )
}
