import { compareWith } from './comparison.ts'
import { navigate } from './navigation.ts'

/** Marks the trace for comparison and lets the other one be chosen. */
export function chooseOther(id: string): void {
  compareWith(id)
  navigate('/')
}
