import { useEffect, useState } from 'preact/hooks'
import { type Observation, toObservation } from '../../src/reading/observation.ts'
import type { OutlineRow } from '../../src/server/trace-outline.ts'
import { fetchSpan } from '../data/server.ts'

/** Loads an observation; again with each `version` of its trace while it runs, and when it has ended. */
export function useObservation(
  traceId: string,
  row: OutlineRow | undefined,
  version: number,
): { observation: Observation | undefined; error: string | undefined } {
  const [state, setState] = useState<{ observation?: Observation; error?: string }>({})
  useEffect(() => {
    if (!row) return
    let isCurrent = true
    fetchSpan(traceId, row.id).then(
      span => isCurrent && setState({ observation: toObservation(span) }),
      error => isCurrent && setState(known => (known.observation ? known : { error: error.message })),
    )
    return () => {
      isCurrent = false
    }
  }, [traceId, row?.id, row?.running, row?.endTimeMs, row?.running ? version : 0])
  return { observation: state.observation, error: state.error }
}
