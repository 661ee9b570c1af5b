import { navigate } from '../data/navigation.ts'
import { compareWith } from './comparison.ts'

/** Marks the trace for comparison and lets the other one be chosen. */
export function chooseOther(id: string): void {
  compareWith(id)
  navigate('/')
}
