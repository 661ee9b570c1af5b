import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import files from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SendResult } from '../src/senders/sender.ts'
import type { SpoolOptions } from '../src/spool/options.ts'
import { numberedSpan, numberedSpans, range } from './support/numbered-spans.ts'
import { ACCEPTED } from './support/scripted-sender.ts'
import { createTestOutbox, type TestOutbox } from './support/test-outbox.ts'
import { until } from './support/until.ts'

const DOWN: SendResult = { outcome: 'unreachable', reason: 'connect ECONNREFUSED' }
const big = { text: 'x'.repeat(1000) }
let directory: string
let open: TestOutbox[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spool-'))
})
afterEach(async () => {
  await Promise.all(open.map(outbox => outbox.close({ timeoutMs: 1000 })))
  open = []
  rmSync(directory, { recursive: true, force: true })
})

/** An outbox in real time that waits for nothing longer than it must. */
function create(
  spool: Partial<SpoolOptions> = {},
  options: Parameters<typeof createTestOutbox>[0] = {},
): TestOutbox {
  const outbox = createTestOutbox({
    clock: undefined,
    lingerMs: 1,
    backoff: { initialMs: 1, maxMs: 10 },
    breaker: { failures: 3, coolDownMs: 10 },
    ...options,
    spool: { directory, writeDelayMs: 1, adoptIntervalMs: 20, ...spool },
  })
  open.push(outbox)
  return outbox
}

function spoolFiles(): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.log'))
    .map(entry => join(entry.parentPath, entry.name))
}

const sorted = (numbers: number[]) => numbers.toSorted((a, b) => a - b)

describe('the spool', () => {
  it('has spans on disk before they are sent, and nothing once they are delivered', async () => {
    const outbox = create({ writeDelayMs: 5 }, { lingerMs: 0 })
    let spooledWhenSent = -1
    outbox.sender.answer = () => {
      spooledWhenSent = outbox.stats().spooled
      return ACCEPTED
    }
    outbox.take(...numberedSpans(1, 10))
    await outbox.flush({ until: 'delivered' })
    expect(spooledWhenSent).toBe(10)
    expect(outbox.sender.received).toEqual(range(1, 10))
    expect(outbox.stats()).toMatchObject({ spooled: 0, waiting: 0 })
    await outbox.close()
    expect(spoolFiles()).toEqual([])
  })

  it('does not go on and on about a directory that somebody has removed', async () => {
    let written = 0
    const outbox = create({
      files: {
        ...files,
        writeFile(...parameters) {
          written += 1
          return files.writeFile(...parameters)
        },
      },
    })
    outbox.sender.answer = () => DOWN
    outbox.take(...numberedSpans(1, 10))
    await until(() => outbox.stats().spooled === 10)
    rmSync(directory, { recursive: true })
    outbox.sender.answer = () => ACCEPTED
    await outbox.flush({ until: 'delivered' })
    await outbox.close()
    const before = written
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(written).toBe(before)
  })

  it('lets nobody else read what it keeps', async () => {
    const outbox = create({ directory: join(directory, 'made') })
    outbox.sender.answer = () => DOWN
    outbox.take(numberedSpan(1))
    await outbox.flush()
    const modes = [join(directory, 'made'), ...spoolFiles()].map(path => statSync(path).mode & 0o077)
    expect(modes).toEqual([0, 0])
  })

  it('lets a flush end as soon as everything is on disk, whatever the destination does', async () => {
    const outbox = create()
    outbox.sender.answer = () => new Promise(() => undefined)
    outbox.take(...numberedSpans(1, 10))
    await expect(outbox.flush()).resolves.toEqual({ delivered: 0, spooled: 10, dropped: 0, waiting: 0 })
    await expect(outbox.close({ timeoutMs: 50 })).resolves.toEqual({
      delivered: 0,
      spooled: 10,
      dropped: 0,
      waiting: 0,
    })
  })

  it('gives what one process left to the next, which sends it in order', async () => {
    const first = create()
    first.sender.answer = () => DOWN
    for (const number of range(1, 50)) {
      first.take(numberedSpan(number))
      if (number % 10 === 0) await first.flush()
    }
    await first.close()
    const second = create()
    await until(() => second.stats().delivered === 50)
    expect(second.sender.received).toEqual(range(1, 50))
    expect(second.stats()).toMatchObject({ accepted: 0, adopted: 50, spooled: 0 })
    expect(second.lines).toEqual([`info: 50 spans taken over from ${directory}, left by an earlier process`])
    await second.close()
    expect(spoolFiles()).toEqual([])
  })

  it('does not send again what was acknowledged before', async () => {
    const first = create()
    first.sender.answer = spans => (spans[0]! <= 30 ? ACCEPTED : DOWN)
    for (const number of range(1, 60)) {
      first.take(numberedSpan(number))
      await first.flush()
    }
    await until(() => first.stats().delivered === 30)
    await first.close()
    const second = create()
    await until(() => second.stats().delivered === second.stats().adopted && second.stats().adopted > 0)
    expect(second.sender.received).toEqual(range(31, 60))
  })

  it('takes over nothing twice where several look for it at once', async () => {
    for (let round = 0; round < 5; round++) {
      const left = create()
      left.sender.answer = () => DOWN
      left.take(...numberedSpans(round * 100 + 1, round * 100 + 100))
      await left.close({ timeoutMs: 1000 })
    }
    const takers = [create(), create(), create()]
    await until(() => takers.reduce((sum, taker) => sum + taker.stats().delivered, 0) === 500)
    expect(sorted(takers.flatMap(taker => taker.sender.received))).toEqual(range(1, 500))
  })

  it('leaves alone what a living process writes', async () => {
    const first = create()
    first.sender.answer = () => DOWN
    first.take(...numberedSpans(1, 5))
    await first.flush()
    const second = create()
    second.take(...numberedSpans(6, 7))
    await second.flush({ until: 'delivered' })
    await new Promise(resolve => setTimeout(resolve, 60))
    expect(second.sender.received).toEqual([6, 7])
    expect(second.stats().adopted).toBe(0)
  })

  it('keeps one destination apart from another', async () => {
    const first = create()
    first.sender.answer = () => DOWN
    first.take(...numberedSpans(1, 5))
    await first.close()
    const other = createTestOutbox().sender
    const second = create({}, { sender: { ...other, identity: 'elsewhere' } })
    const third = create()
    await until(() => third.stats().delivered === 5)
    expect(second.stats().adopted).toBe(0)
  })

  it('takes what memory cannot hold and brings it back in order, without holding up what is new', async () => {
    const outbox = create({ segmentBytes: 64 * 1024 }, { maxBytes: 512 * 1024 })
    let down = true
    outbox.sender.answer = () => (down ? DOWN : ACCEPTED)
    for (const number of range(1, 3000)) {
      outbox.take(numberedSpan(number, big))
      if (number % 100 === 0) await outbox.flush()
    }
    const { memoryBytes, spooled, dropped } = outbox.stats()
    expect(memoryBytes).toBeLessThan(512 * 1024)
    expect({ spooled, dropped: dropped.total }).toEqual({ spooled: 3000, dropped: 0 })
    down = false
    outbox.take(numberedSpan(3001))
    await outbox.flush({ until: 'delivered' })
    expect(sorted(outbox.sender.received)).toEqual(range(1, 3001))
    // The oldest, which are on disk only, and those in memory come back side by side.
    const replayed = outbox.sender.received.filter(number => number <= 1000)
    expect(replayed).toEqual(range(1, 1000))
    expect(outbox.sender.received.indexOf(3001)).toBeLessThan(outbox.sender.received.indexOf(2000))
    expect(outbox.unaccounted()).toBe(0)
  })

  it('replays no faster than it may', async () => {
    const left = create()
    left.sender.answer = () => DOWN
    left.take(...numberedSpans(1, 400, big))
    await left.close()
    const outbox = createTestOutbox({
      spool: { directory, replayBytesPerSecond: 100_000 },
      maxBatchBytes: 100_000,
      maxInFlight: 2,
    })
    open.push(outbox)
    await until(() => outbox.stats().adopted === 400)
    const at: number[] = []
    outbox.sender.answer = () => {
      at.push(outbox.clock.now())
      return ACCEPTED
    }
    for (let step = 0; step < 60 && outbox.stats().spooled > 0; step++) {
      await outbox.clock.advance(100)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    expect(outbox.stats()).toMatchObject({ delivered: 400, spooled: 0 })
    // About 480 kB at 100 kB a second, the first batch at once.
    expect(at.at(-1)).toBeGreaterThan(3000)
  })

  it('drops the oldest when the disk allowance is used up, and the counter is the difference exactly', async () => {
    const outbox = create({ maxBytes: 256 * 1024 }, { maxBytes: 128 * 1024 })
    let down = true
    outbox.sender.answer = () => (down ? DOWN : ACCEPTED)
    for (const number of range(1, 1000)) {
      outbox.take(numberedSpan(number, big))
      if (number % 20 === 0) await outbox.flush({ timeoutMs: 10 })
    }
    const { spoolBytes, dropped } = outbox.stats()
    expect(spoolBytes).toBeLessThanOrEqual(256 * 1024)
    expect(dropped.spool_full).toBeGreaterThan(500)
    down = false
    await outbox.flush({ until: 'delivered' })
    expect(outbox.stats().delivered).toBe(1000 - outbox.stats().dropped.total)
    expect(sorted(outbox.sender.received).at(-1)).toBe(1000)
    expect(new Set(outbox.sender.received).size).toBe(outbox.stats().delivered)
    expect(outbox.unaccounted()).toBe(0)
  })

  it('does not call spans spooled whose place on disk others have taken', async () => {
    const outbox = create({ maxBytes: 64 * 1024 })
    outbox.sender.answer = () => DOWN
    for (const number of range(1, 200)) {
      outbox.take(numberedSpan(number, big))
      if (number % 10 === 0) await outbox.flush({ timeoutMs: 10 })
    }
    const { spooled, dropped } = await outbox.close({ timeoutMs: 100 })
    expect(dropped).toBeGreaterThan(100)
    expect(spooled + dropped).toBe(200)
    const next = create()
    await until(() => next.stats().delivered === spooled)
    expect(next.stats().adopted).toBe(spooled)
  })

  it('leaves connections to what is new while it replays', async () => {
    const left = create({ segmentBytes: 16 * 1024 })
    left.sender.answer = () => DOWN
    left.take(...numberedSpans(1, 400, big))
    await left.close()
    const outbox = create({}, { maxInFlight: 4, maxBatchBytes: 32 * 1024 })
    outbox.sender.answer = ([number]) => (number! > 400 ? ACCEPTED : new Promise(() => undefined))
    await until(() => outbox.stats().inFlight === 2)
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(outbox.stats().inFlight).toBe(2)
    outbox.take(numberedSpan(401))
    await until(() => outbox.sender.received.includes(401))
  })

  it('finds a malformed span in what it wrote, and settles the rest', async () => {
    const outbox = create()
    outbox.sender.answer = spans => (spans.includes(7) ? { outcome: 'malformed' } : ACCEPTED)
    outbox.take(...numberedSpans(1, 20))
    await outbox.flush({ until: 'delivered' })
    expect(sorted(outbox.sender.received)).toEqual(range(1, 20).filter(number => number !== 7))
    await outbox.close()
    expect(spoolFiles()).toEqual([])
  })
})

describe('a disk in trouble', () => {
  it.each(['ENOSPC', 'EROFS', 'EACCES'])(
    '%s: goes on in memory, says so once, and recovers by itself',
    async code => {
      let broken = true
      const failing: SpoolOptions['files'] = {
        async open(...parameters) {
          if (broken) throw Object.assign(new Error('no'), { code })
          return files.open(...parameters)
        },
      }
      const outbox = createTestOutbox({ spool: { directory, files: failing }, breaker: { failures: 1 } })
      open.push(outbox)
      outbox.sender.answer = () => DOWN
      for (const number of range(1, 3)) {
        outbox.take(numberedSpan(number))
        await settleDisk(outbox)
      }
      expect(outbox.stats()).toMatchObject({ waiting: 3, spooled: 0, dropped: { total: 0 } })
      expect(outbox.health().reasons).toContain(`${directory} cannot be written (${code})`)
      const warnings = outbox.lines.filter(line => line.includes('cannot be written'))
      expect(warnings).toEqual([
        `warn: ${directory} cannot be written (${code}): spans are kept in memory only, at most 64 MiB, and a crash would lose them`,
      ])
      broken = false
      await outbox.clock.advance(5000)
      outbox.take(numberedSpan(4))
      await settleDisk(outbox)
      expect(outbox.stats()).toMatchObject({ waiting: 3, spooled: 1 })
      expect(outbox.lines).toContain(`info: ${directory} can be written again`)
      outbox.sender.answer = () => ACCEPTED
      await outbox.clock.advance(60_000)
      expect(sorted(outbox.sender.received)).toEqual([1, 2, 3, 4])
      expect(outbox.unaccounted()).toBe(0)
    },
  )

  it('that fills in the middle of a write loses nothing and leaves no half record in the way', async () => {
    let room = 20_000
    const outbox = create({
      files: {
        async open(...parameters) {
          const handle = await files.open(...parameters)
          const write = handle.write.bind(handle) as (...all: unknown[]) => Promise<{ bytesWritten: number }>
          const limited = async (bytes: Buffer, at: number, length: number, position: number) => {
            if (room === 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
            const result = await write(bytes, at, Math.min(length, room), position)
            room -= result.bytesWritten
            return result
          }
          return Object.assign(handle, { write: limited })
        },
      },
    })
    outbox.sender.answer = () => DOWN
    for (const number of range(1, 30)) {
      outbox.take(numberedSpan(number, big))
      await outbox.flush({ timeoutMs: 20 })
    }
    const { spooled, waiting } = outbox.stats()
    expect(spooled).toBeGreaterThan(5)
    expect(spooled + waiting).toBe(30)
    const { spooled: kept, dropped } = await outbox.close({ timeoutMs: 20 })
    expect(kept + dropped).toBe(30)
    const next = create()
    await until(() => next.stats().delivered === kept)
    expect(next.sender.received).toEqual(range(1, kept))
  })

  it('whose file can no longer be written gets another file', async () => {
    let opened = 0
    const outbox = createTestOutbox({
      spool: {
        directory,
        files: {
          async open(...parameters) {
            const handle = await files.open(...parameters)
            opened += 1
            const broken = () => Promise.reject(Object.assign(new Error('stale'), { code: 'ESTALE' }))
            return opened === 1 ? Object.assign(handle, { write: broken }) : handle
          },
        },
      },
    })
    open.push(outbox)
    outbox.sender.answer = () => DOWN
    outbox.take(numberedSpan(1))
    await settleDisk(outbox)
    await outbox.clock.advance(5000)
    outbox.take(numberedSpan(2))
    await settleDisk(outbox)
    expect(outbox.stats()).toMatchObject({ waiting: 1, spooled: 1 })
    outbox.sender.answer = () => ACCEPTED
    await outbox.clock.advance(60_000)
  })

  it('that hangs holds nothing up', async () => {
    let proceed!: () => void
    const hanging = new Promise<void>(resolve => {
      proceed = resolve
    })
    const outbox = createTestOutbox({
      spool: {
        directory,
        files: {
          async open(...parameters) {
            await hanging
            return files.open(...parameters)
          },
        },
      },
    })
    open.push(outbox)
    outbox.take(...numberedSpans(1, 5))
    await settleDisk(outbox)
    expect(outbox.sender.received).toEqual([])
    await outbox.clock.advance(6000)
    outbox.take(...numberedSpans(6, 8))
    await outbox.clock.advance(200)
    expect(outbox.sender.received).toEqual(range(1, 8))
    expect(outbox.health().reasons).toEqual([`${directory} cannot be written (ETIMEDOUT)`])
    proceed()
    await until(() => outbox.health().status === 'ok')
    expect(outbox.stats()).toMatchObject({ delivered: 8, spooled: 0, waiting: 0 })
    expect(outbox.unaccounted()).toBe(0)
  })

  it('that cannot be read gives up what was only there, counted', async () => {
    const outbox = create({ segmentBytes: 16 * 1024 }, { maxBytes: 64 * 1024 })
    let down = true
    outbox.sender.answer = () => (down ? DOWN : ACCEPTED)
    for (const number of range(1, 300)) {
      outbox.take(numberedSpan(number, big))
      if (number % 10 === 0) await outbox.flush()
    }
    for (const file of spoolFiles().slice(0, 3)) rmSync(file)
    down = false
    await until(() => outbox.stats().spooled + outbox.stats().waiting === 0)
    const { delivered, dropped } = outbox.stats()
    expect(dropped.spool_corrupt).toBeGreaterThan(0)
    expect(delivered + dropped.spool_corrupt).toBe(300)
  })

  it('never makes creation, export, flush or close fail', async () => {
    const nothing = () => Promise.reject(Object.assign(new Error('no'), { code: 'EIO' }))
    const broken = Object.fromEntries(
      ['mkdir', 'open', 'readdir', 'readFile', 'rename', 'rm', 'rmdir', 'stat', 'unlink', 'writeFile'].map(
        name => [name, nothing],
      ),
    )
    const outbox = create({ files: broken })
    outbox.take(...numberedSpans(1, 3))
    await expect(outbox.flush()).resolves.toMatchObject({ delivered: 3 })
    await expect(outbox.close()).resolves.toMatchObject({ waiting: 0 })
  })
})

/** Lets a manual clock pass the write delay, and the disk work. */
async function settleDisk(outbox: TestOutbox): Promise<void> {
  await outbox.clock.advance(20)
  await new Promise(resolve => setTimeout(resolve, 30))
  await outbox.clock.advance(0)
}
