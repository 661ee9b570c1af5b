import { withGetters } from '../basics/with-getters.ts'

/** A queue of items. */
export interface ItemList<Item> {
  readonly length: number
  /** Takes over a list; it must not be used by the caller any more. */
  push(items: Item[]): void
  shift(): Item | undefined
}

/** Creates an empty list that keeps items in the lists they came in, so that adding many of them takes no time. */
export function createItemList<Item>(): ItemList<Item> {
  const lists: (Item | undefined)[][] = []
  let head = 0
  let index = 0
  let length = 0

  return withGetters({
    get length() {
      return length
    },
    push(items) {
      lists.push(items)
      length += items.length
    },
    shift() {
      const list = lists[head]
      if (list === undefined) return undefined
      const item = list[index]
      // Lets a dropped span be collected before the rest of its list is.
      list[index++] = undefined
      length -= 1
      if (index >= list.length) {
        index = 0
        lists[head++] = []
        if (head > 1000 || head === lists.length) {
          lists.splice(0, head)
          head = 0
        }
      }
      return item
    },
  })
}
