import fc from 'fast-check'
import { type Linked, LinkedList } from '../src/basics/linked-list.ts'

interface Member extends Linked<Member> {
  id: number
}

const contents = (list: LinkedList<Member>) => {
  const found: number[] = []
  for (let member = list.first; member !== undefined; member = member.next) found.push(member.id)
  return found
}

it('holds its members in the order in which they came, each in one list', () => {
  const step = fc.record({ id: fc.nat(9), to: fc.constantFrom('left', 'right', 'out') })
  fc.assert(
    fc.property(fc.array(step), steps => {
      const lists = { left: new LinkedList<Member>(), right: new LinkedList<Member>() }
      const expected = { left: [] as number[], right: [] as number[] }
      const members = Array.from(
        { length: 10 },
        (_, id): Member => ({ id, list: undefined, previous: undefined, next: undefined }),
      )
      for (const { id, to } of steps) {
        const member = members[id]!
        for (const side of ['left', 'right'] as const) {
          expected[side] = expected[side].filter(one => one !== id)
          if (to === 'out') lists[side].delete(member)
        }
        if (to === 'out')
          expect(member).toEqual({ id, list: undefined, previous: undefined, next: undefined })
        else {
          lists[to].add(member)
          expected[to].push(id)
        }
        for (const side of ['left', 'right'] as const) {
          expect(contents(lists[side])).toEqual(expected[side])
          expect(lists[side].size).toBe(expected[side].length)
        }
      }
    }),
  )
})
