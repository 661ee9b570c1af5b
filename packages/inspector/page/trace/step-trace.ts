import { navigate, traceAddress } from '../data/navigation.ts'
import { listedIds, traces } from '../data/traces.ts'
import { notify } from '../parts/notice.tsx'

/** Goes to the trace before or after this one, in the list that was shown last. */
export function stepTrace(id: string, step: 1 | -1): void {
  const listed = listedIds.value.includes(id) ? listedIds.value : traces.value.map(trace => trace.id)
  const index = listed.indexOf(id)
  const next = listed[index + step]
  if (index === -1 || next === undefined)
    notify(step === 1 ? 'This is the last trace of the list' : 'This is the first trace of the list')
  else navigate(traceAddress(next, new URL(location.href).searchParams.get('q') ?? ''), 'replace')
}
