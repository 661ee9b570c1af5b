/** Damages bytes as disks, crashes and people do: cuts, flips, repeats, swaps, removes, inserts or blanks parts. */
export function mutate(bytes: Buffer, random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit)
  const from = below(bytes.length + 1)
  const to = Math.min(bytes.length, from + below(random() < 0.5 ? 16 : bytes.length + 1))
  const part = bytes.subarray(from, to)
  const before = bytes.subarray(0, from)
  const after = bytes.subarray(to)
  const noise = Buffer.from(Array.from({ length: below(64) }, () => below(256)))
  switch (below(8)) {
    case 0:
      return Buffer.from(before)
    case 1:
      return Buffer.from(after)
    case 2: {
      const flipped = Buffer.from(bytes)
      for (let count = below(8) + 1; count > 0 && flipped.length > 0; count--) {
        flipped[below(flipped.length)]! ^= 1 << below(8)
      }
      return flipped
    }
    case 3:
      return Buffer.concat([before, after])
    case 4:
      return Buffer.concat([before, part, part, after])
    case 5:
      return Buffer.concat([before, noise, part, after])
    case 6:
      return Buffer.concat([after, part, before])
    default:
      return Buffer.concat([before, Buffer.alloc(part.length), after])
  }
}
