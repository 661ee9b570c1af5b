/** Something to wait at until it is opened. */
export interface Gate {
  readonly opened: Promise<void>
  open(): void
}

/** Creates a closed gate. */
export function createGate(): Gate {
  let open!: () => void
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open }
}
