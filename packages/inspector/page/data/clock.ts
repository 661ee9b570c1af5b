import { computed, effect, signal } from '@preact/signals'
import { traces } from './traces.ts'

const stepMs = 250

/** The current time, which moves on only while something runs. */
export const nowMs = signal(Date.now())

const isRunning = computed(() => traces.value.some(({ runningCount }) => runningCount > 0))

effect(() => {
  if (!isRunning.value) return
  const timer = setInterval(() => {
    nowMs.value = Date.now()
  }, stepMs)
  return () => clearInterval(timer)
})
