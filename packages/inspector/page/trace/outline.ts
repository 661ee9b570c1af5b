import { effect } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { fetchOutline, findInTrace, type Outline, type ServerError } from '../data/server.ts'
import { changedIds, connected, paused } from '../data/traces.ts'

/** A trace as it was loaded last. */
export interface OutlineState {
  outline?: Outline
  /** Why there is none. */
  error?: ServerError
  /** Counts the loads. */
  version: number
}

/** Loads a trace, and again whenever it changes. */
export function useOutline(id: string): OutlineState {
  const [state, setState] = useState<OutlineState>({ version: 0 })
  useEffect(() => {
    let isShown = true
    let isLoading = false
    let isStale = true
    let version = 0
    const load = async (): Promise<void> => {
      // One at a time: what changes meanwhile is loaded afterwards, and nothing that was loaded is thrown away.
      if (isLoading) return
      isLoading = true
      while (isShown && isStale) {
        isStale = false
        version += 1
        const next: OutlineState = await fetchOutline(id).then(
          outline => ({ outline, version }),
          (error: ServerError) => ({ error, version }),
        )
        // What was shown stays while the inspector is away.
        if (isShown) setState(known => (next.outline || !known.outline || isGone(next) ? next : known))
      }
      isLoading = false
    }
    const stop = effect(() => {
      if (changedIds.value.has(id) || connected.value) isStale = true
      if (!paused.value) void load()
    })
    void load()
    return () => {
      isShown = false
      stop()
    }
  }, [id])
  return state
}

function isGone({ error }: OutlineState): boolean {
  return error !== undefined && error.status !== 0
}

/** The observations in which the words of a search occur. */
export function useHits(id: string, words: string, version: number): ReadonlySet<string> {
  const [hits, setHits] = useState<ReadonlySet<string>>(new Set())
  useEffect(() => {
    let isCurrent = true
    if (words === '') setHits(new Set())
    else {
      findInTrace(id, words).then(
        ({ ids }) => isCurrent && setHits(new Set(ids)),
        () => {},
      )
    }
    return () => {
      isCurrent = false
    }
  }, [id, words, version])
  return hits
}
