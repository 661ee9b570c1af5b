import { useEffect, useMemo, useState } from 'preact/hooks'
import { messageText } from '../../src/reading/chat/chat-message.ts'
import { readChat } from '../../src/reading/chat/read-chat.ts'
import type { Observation } from '../../src/reading/observation.ts'
import { toObservation } from '../../src/reading/observation.ts'
import { type PlaygroundCall, readCall, toBody } from '../../src/reading/playground.ts'
import { formatDuration } from '../../src/reading/quantity.ts'
import { TextDiff } from '../content/text-diff.tsx'
import { toSegment, traceAddress } from '../data/navigation.ts'
import { usePageTitle } from '../data/page-title.ts'
import { type ReplayState, replay } from '../data/replay.ts'
import { ask, fetchSpan } from '../data/server.ts'
import { notify } from '../parts/notice.tsx'

/** A generation to be edited and made again, its answer beside the original. */
export function PlaygroundPage({ traceId, observationId }: { traceId: string; observationId: string }) {
  usePageTitle('Playground')
  const [observation, setObservation] = useState<Observation | undefined>(undefined)
  const [error, setError] = useState('')
  useEffect(() => {
    fetchSpan(traceId, observationId).then(
      span => setObservation(toObservation(span)),
      failure => setError(failure.message),
    )
  }, [traceId, observationId])
  if (!observation) return <main class="empty">{error || 'Loading …'}</main>
  return <Playground observation={observation} />
}

function Playground({ observation }: { observation: Observation }) {
  const [call, setCall] = useState(() => readCall(observation))
  const [parameters, setParameters] = useState(() => JSON.stringify(call.parameters, null, 2))
  const [key, setKey] = useState('')
  const [state, setState] = useState<ReplayState | undefined>(undefined)
  const variable = useKeyVariable(call.url)
  const original = useMemo(() => answerOf(observation.output), [observation])
  const { traceId, id } = observation
  const send = async (event: Event): Promise<void> => {
    event.preventDefault()
    let edited: PlaygroundCall
    try {
      edited = { ...call, parameters: JSON.parse(parameters || '{}') }
    } catch {
      notify('The parameters are not JSON')
      return
    }
    const body = toBody(edited)
    const of = { traceId, observationId: id }
    await replay('generation', { url: call.url, body, of, ...(key !== '' && { key }) }, setState)
  }
  const isLocal = /^http:\/\/(?:localhost|127\.|\[::1\])/.test(call.url)
  return (
    <main class="playground-page">
      <form aria-label="Generation" onSubmit={send}>
        <h1>
          <a href={`${traceAddress(traceId)}?o=${id}`}>{observation.name || 'Generation'}</a>
        </h1>
        <Field name="Address" value={call.url} onValue={url => setCall({ ...call, url })} />
        <Field name="Model" value={call.model} onValue={model => setCall({ ...call, model })} />
        {variable === undefined && !isLocal && (
          <label>
            Key, sent to {hostOf(call.url)} and stored nowhere
            <input
              type="password"
              autocomplete="off"
              value={key}
              onInput={({ currentTarget }) => setKey(currentTarget.value)}
            />
          </label>
        )}
        {variable !== undefined && <p class="muted">The key is {variable} of the inspector's process.</p>}
        {call.messages.map((message, index) => (
          <MessageField
            key={index}
            message={message}
            onMessage={next => setCall({ ...call, messages: call.messages.with(index, next) })}
          />
        ))}
        <label>
          Parameters
          <textarea
            rows={6}
            spellcheck={false}
            value={parameters}
            onInput={({ currentTarget }) => setParameters(currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary" disabled={state?.isRunning}>
          Send
        </button>
      </form>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the pane is scrolled with the keyboard */}
      <section aria-label="Answers" tabIndex={0}>
        <h2>Original</h2>
        <p class="muted">
          {[formatDuration(observation.durationMs), countsOf(observation.usage)].filter(Boolean).join(' · ')}
        </p>
        <div class="plain" dir="auto">
          {original}
        </div>
        {state && <Attempt state={state} original={original} />}
      </section>
    </main>
  )
}

function Attempt({ state, original }: { state: ReplayState; original: string }) {
  const { text, isRunning, durationMs, firstTokenMs, usage, error, traceId, model } = state
  const facts = [
    model,
    durationMs !== undefined && formatDuration(durationMs),
    firstTokenMs !== undefined && `first token after ${formatDuration(firstTokenMs)}`,
    usage && countsOf(usage),
  ]
  return (
    <>
      <h2>New answer</h2>
      <p class="muted" role="status">
        {isRunning ? 'Running …' : facts.filter(Boolean).join(' · ')}{' '}
        {traceId && <a href={traceAddress(traceId)}>All tries</a>}
      </p>
      {error && <p class="status-message is-error">{error}</p>}
      <div class="plain" dir="auto">
        {text}
      </div>
      {!isRunning && text !== '' && (
        <>
          <h2>Difference</h2>
          <TextDiff from={original} to={text} />
        </>
      )}
    </>
  )
}

function Field(props: { name: string; value: string; onValue(value: string): void }) {
  return (
    <label>
      {props.name}
      <input
        required
        value={props.value}
        onInput={({ currentTarget }) => props.onValue(currentTarget.value)}
      />
    </label>
  )
}

/** A message whose content is a text is edited as that, any other as JSON. */
function MessageField({ message, onMessage }: { message: unknown; onMessage(message: unknown): void }) {
  const fields = (typeof message === 'object' && message !== null ? message : {}) as Record<string, unknown>
  const isText = typeof fields.content === 'string'
  const [json, setJson] = useState(() => JSON.stringify(message, null, 2))
  const role = String(fields.role ?? 'message')
  return (
    <label>
      {isText ? role : `${role}, as JSON`}
      <textarea
        rows={isText ? 4 : 8}
        dir="auto"
        value={isText ? String(fields.content) : json}
        onInput={({ currentTarget }) => {
          if (isText) return onMessage({ ...fields, content: currentTarget.value })
          setJson(currentTarget.value)
          try {
            onMessage(JSON.parse(currentTarget.value))
          } catch {
            // Not complete yet: the last complete one counts.
          }
        }}
      />
    </label>
  )
}

/** The variable that has the key for an address, if the inspector knows one. */
function useKeyVariable(url: string): string | undefined {
  const [variable, setVariable] = useState<string | undefined>(undefined)
  useEffect(() => {
    let isCurrent = true
    ask<{ variable: string | null }>(`/api/replay/key?url=${toSegment(url)}`).then(
      answer => isCurrent && setVariable(answer.variable ?? undefined),
      () => {},
    )
    return () => {
      isCurrent = false
    }
  }, [url])
  return variable
}

function answerOf(output: unknown): string {
  const messages = readChat(output)?.messages
  if (messages) return messages.map(messageText).join('\n')
  return typeof output === 'string' ? output : JSON.stringify(output ?? '', null, 2)
}

function countsOf(usage: Record<string, number>): string {
  return Object.entries(usage)
    .map(([kind, count]) => `${kind} ${count.toLocaleString('en-US')}`)
    .join(', ')
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url
}
