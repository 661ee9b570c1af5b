import { withGetters } from '../basics/with-getters.ts'

/** A first-in, first-out list of items. */
export interface ItemList<Item> {
  readonly length: number
  push(items: readonly Item[]): void
  shift(): Item | undefined
}

/** Creates an empty list. Keeps the arrays it was given, so that adding many items takes no time. */
export function createItemList<Item>(): ItemList<Item> {
  const lists: (readonly Item[])[] = []
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
      const item = list[index++]
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
