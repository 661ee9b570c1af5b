import { signal } from '@preact/signals'
import { navigate } from '../data/navigation.ts'

/** The trace for which another one is being looked for. */
export const comparedId = signal<string | undefined>(undefined)

/** Remembers the first trace, and shows both once the second is chosen. */
export function compareWith(id: string | undefined): void {
  const first = comparedId.value
  if (id === undefined || first === undefined || first === id) {
    comparedId.value = first === id ? undefined : id
    return
  }
  comparedId.value = undefined
  navigate(`/compare/${first}/${id}`)
}
