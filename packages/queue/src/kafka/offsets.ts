/** Tracks which offsets of a partition are acknowledged, because only an unbroken sequence may be committed. */
export interface PartitionOffsets {
  /** Registers a message. Returns false for one that was received before. */
  receive(offset: bigint): boolean
  acknowledge(offset: bigint): void
  /** Offset to commit: everything before it is acknowledged; `undefined` before the first message. */
  readonly position: bigint | undefined
  /** Messages received and not acknowledged. */
  readonly pending: number
}

/** Creates the offsets of one partition. */
export function createPartitionOffsets(): PartitionOffsets {
  // Offsets from `position` on, in order; gaps of compacted topics and control records have no entry.
  let received: bigint[] = []
  let head = 0
  const acknowledged = new Set<bigint>()
  let next: bigint | undefined

  return {
    receive(offset) {
      if (next !== undefined && offset < next) return false
      next = offset + 1n
      received.push(offset)
      return true
    },
    acknowledge(offset) {
      acknowledged.add(offset)
      while (head < received.length && acknowledged.delete(received[head]!)) head += 1
      if (head < 1024 || head * 2 < received.length) return
      received = received.slice(head)
      head = 0
    },
    get position() {
      return head < received.length ? received[head] : next
    },
    get pending() {
      return received.length - head - acknowledged.size
    },
  }
}
