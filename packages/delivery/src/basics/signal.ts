/** Tells several listeners about an event, so that the parts of an outbox need not know each other. */
export interface Signal {
  emit(): void
  on(listener: () => void): void
}

/** Creates a signal without listeners. */
export function createSignal(): Signal {
  const listeners: (() => void)[] = []
  return {
    emit() {
      for (const listener of listeners) listener()
    },
    on: listener => void listeners.push(listener),
  }
}
