import { useSignal } from '@preact/signals'
import { readRequest } from '../../src/reading/http-request.ts'
import { toObservation } from '../../src/reading/observation.ts'
import {
  formatCurl,
  formatTestCase,
  type SendableRequest,
  toSendable,
} from '../../src/reading/request-copy.ts'
import { inspectorFacts } from '../data/inspector-facts.ts'
import { traceAddress } from '../data/navigation.ts'
import { fetchSpan, type Outline, sendOn } from '../data/server.ts'
import { copyText, notify } from '../parts/notice.tsx'
import { AnnotateForm, DatasetForm } from './annotate.tsx'
import { chooseOther } from './other-trace.ts'
import { ReplayRequest } from './replay-request.tsx'

/** What can be done with a trace. */
export function TraceActions({ outline: { summary, observations } }: { outline: Outline }) {
  const { id } = summary
  const asksToSend = useSignal(false)
  const sendsTo = inspectorFacts.value?.sendsTo
  const form = useSignal<'score' | 'dataset' | 'replay' | undefined>(undefined)
  const request = useSignal<SendableRequest | undefined>(undefined)
  const close = (): void => {
    form.value = undefined
  }
  const readRoot = async () => {
    const root = observations.find(row => row.parentId === undefined) ?? observations[0]!
    const observation = toObservation(await fetchSpan(id, root.id))
    return { observation, request: readRequest(summary, observation) }
  }
  const openReplay = async (): Promise<void> => {
    request.value = toSendable((await readRoot()).request)
    form.value = 'replay'
  }
  const copy = async (what: 'cURL' | 'Test case'): Promise<void> => {
    const { observation, request } = await readRoot()
    await copyText(
      what === 'cURL' ? formatCurl(request) : formatTestCase(summary, observation, request),
      what,
    )
  }
  const send = async (): Promise<void> => {
    asksToSend.value = false
    notify('Sending …')
    await sendOn(id).then(
      ({ sentTo }) => notify(`Sent to ${sentTo}`),
      error => notify(`Not sent: ${error.message}`),
    )
  }
  return (
    <>
      <div class="actions" role="group" aria-label="Actions">
        <button type="button" aria-expanded={form.value === 'replay'} onClick={openReplay}>
          Replay request
        </button>
        <button
          type="button"
          aria-expanded={form.value === 'score'}
          onClick={() => {
            form.value = 'score'
          }}
        >
          Score
        </button>
        <button
          type="button"
          aria-expanded={form.value === 'dataset'}
          onClick={() => {
            form.value = 'dataset'
          }}
        >
          Add to dataset
        </button>
        <button type="button" onClick={() => copy('cURL')}>
          Copy as cURL
        </button>
        <button type="button" onClick={() => copy('Test case')}>
          Copy as test case
        </button>
        <button type="button" onClick={() => copyText(location.origin + traceAddress(id), 'Link')}>
          Copy link
        </button>
        <button type="button" onClick={() => chooseOther(id)}>
          Compare
        </button>
        <a class="button" href={`/api/traces/${id}/export`} download={`trace-${id}.json`}>
          Export
        </a>
        {sendsTo &&
          (asksToSend.value ? (
            <button type="button" class="primary" onClick={send}>
              Send to {new URL(sendsTo).host}?
            </button>
          ) : (
            <button
              type="button"
              onClick={() => {
                asksToSend.value = true
              }}
            >
              Send to Langfuse
            </button>
          ))}
      </div>
      {form.value === 'score' && <AnnotateForm traceId={id} onDone={close} />}
      {form.value === 'dataset' && <DatasetForm traceId={id} onDone={close} />}
      {form.value === 'replay' && request.value && <ReplayRequest request={request.value} onDone={close} />}
    </>
  )
}
