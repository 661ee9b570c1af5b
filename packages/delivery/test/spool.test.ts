import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import files from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SendResult } from '../src/senders/sender.ts'
import type { SpoolOptions } from '../src/spool/options.ts'
import { numberedSpan, numberedSpans, range } from './support/numbered-spans.ts'
import { ACCEPTED } from './support/scripted-sender.ts'
import { createTestOutbox, type TestOutbox } from './support/test-outbox.ts'
import { until } from './support/until.ts'

const DOWN: SendResult = { outcome: 'failed', reason: '503 Service Unavailable' }
const AWAY: SendResult = { outcome: 'unreachable', reason: 'connect ECONNREFUSED' }
const big = { text: 'x'.repeat(1000) }
let directory: string
let open: TestOutbox[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spool-'))
})
afterEach(async () => {
  const outboxes = open
  open = []
  let isClosed = false
  const closing = Promise.all(outboxes.map(outbox => outbox.close({ timeoutMs: 1000 })))
  void closing.then(() => {
    isClosed = true
  })
  // Some run by a clock that stands still otherwise.
  while (!isClosed) for (const outbox of outboxes) await outbox.clock.advance(1000)
  // An outbox that is closed may still remove its own files.
  rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
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
  if (!existsSync(directory)) return []
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
    await outbox.flush()
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
    await outbox.flush()
    await outbox.close()
    const before = written
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(written).toBe(before)
  })

  it('lets nobody else read what it keeps', async () => {
    const outbox = create({ directory: join(directory, 'made') })
    outbox.sender.answer = () => DOWN
    outbox.take(numberedSpan(1))
    await outbox.flush({ until: 'safe' })
    const modes = [join(directory, 'made'), ...spoolFiles()].map(path => statSync(path).mode & 0o077)
    expect(modes).toEqual([0, 0])
  })

  it('lets a flush deliver, or at the deadline say what is on disk', async () => {
    const outbox = create()
    let answer!: (result: SendResult) => void
    outbox.sender.answer = () => new Promise(resolve => (answer = resolve))
    outbox.take(...numberedSpans(1, 10))
    await expect(outbox.flush({ until: 'safe' })).resolves.toMatchObject({ spooled: 10, waiting: 0 })
    await expect(outbox.flush({ timeoutMs: 50 })).resolves.toMatchObject({ spooled: 10, waiting: 0 })
    const flushed = outbox.flush()
    await until(() => outbox.stats().inFlight === 1)
    answer(ACCEPTED)
    await expect(flushed).resolves.toEqual({ delivered: 10, spooled: 0, dropped: 0, waiting: 0 })
  })

  it('does not let a flush wait for what another process left, nor for what comes later', async () => {
    const left = create()
    left.sender.answer = () => DOWN
    left.take(...numberedSpans(1, 5))
    await left.close({ timeoutMs: 200 })
    const outbox = create()
    outbox.sender.answer = ([number]) => (number === 6 ? ACCEPTED : new Promise(() => undefined))
    await until(() => outbox.stats().adopted === 5)
    outbox.take(numberedSpan(6))
    const flushed = outbox.flush({ timeoutMs: 60_000 })
    await until(() => outbox.stats().delivered === 1)
    outbox.take(numberedSpan(7))
    await expect(flushed).resolves.toEqual({ delivered: 1, spooled: 0, dropped: 0, waiting: 0 })
  })

  it('gives what one process left to the next, which sends it in order', async () => {
    const first = create()
    first.sender.answer = () => DOWN
    for (const number of range(1, 50)) {
      first.take(numberedSpan(number))
      if (number % 10 === 0) await first.flush({ until: 'safe' })
    }
    await first.close({ timeoutMs: 100 })
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
      await first.flush({ until: 'safe' })
    }
    await until(() => first.stats().delivered === 30)
    await first.close({ timeoutMs: 100 })
    const second = create()
    await until(() => second.stats().delivered === second.stats().adopted && second.stats().adopted > 0)
    expect(second.sender.received).toEqual(range(31, 60))
  })

  it('takes over nothing twice where several look for it at once', async () => {
    for (let round = 0; round < 5; round++) {
      const left = create()
      left.sender.answer = () => DOWN
      left.take(...numberedSpans(round * 100 + 1, round * 100 + 100))
      await left.close({ timeoutMs: 100 })
    }
    const takers = [create(), create(), create()]
    await until(() => takers.reduce((sum, taker) => sum + taker.stats().delivered, 0) === 500)
    expect(sorted(takers.flatMap(taker => taker.sender.received))).toEqual(range(1, 500))
  })

  it('leaves alone what a living process writes', async () => {
    const first = create()
    first.sender.answer = () => DOWN
    first.take(...numberedSpans(1, 5))
    await first.flush({ until: 'safe' })
    const second = create()
    second.take(...numberedSpans(6, 7))
    await second.flush()
    await new Promise(resolve => setTimeout(resolve, 60))
    expect(second.sender.received).toEqual([6, 7])
    expect(second.stats().adopted).toBe(0)
  })

  it('keeps one destination apart from another', async () => {
    const first = create()
    first.sender.answer = () => DOWN
    first.take(...numberedSpans(1, 5))
    await first.close({ timeoutMs: 100 })
    const other = createTestOutbox().sender
    const second = create({}, { sender: { ...other, identity: 'elsewhere' } })
    const third = create()
    await until(() => third.stats().delivered === 5)
    expect(second.stats().adopted).toBe(0)
  })

  it('takes what memory cannot hold and brings it back in order, without holding up what is new', async () => {
    const outbox = create({ segmentBytes: 64 * 1024 }, { maxBytes: 512 * 1024 })
    let down = true
    outbox.sender.answer = () => (down ? AWAY : ACCEPTED)
    for (const number of range(1, 3000)) {
      outbox.take(numberedSpan(number, big))
      if (number % 100 === 0) await outbox.flush({ until: 'safe' })
    }
    const { memoryBytes, spooled, dropped } = outbox.stats()
    expect(memoryBytes).toBeLessThan(512 * 1024)
    expect({ spooled, dropped: dropped.total }).toEqual({ spooled: 3000, dropped: 0 })
    down = false
    outbox.take(numberedSpan(3001))
    await until(() => outbox.stats().delivered === 3001)
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
    await left.close({ timeoutMs: 100 })
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
    expect(dropped.spool_full).toBeGreaterThan(200)
    down = false
    await outbox.flush()
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
    await left.close({ timeoutMs: 100 })
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
    await outbox.flush()
    expect(sorted(outbox.sender.received)).toEqual(range(1, 20).filter(number => number !== 7))
    await outbox.close()
    expect(spoolFiles()).toEqual([])
  })
})

describe('taking over', () => {
  it('drops nothing on disk to make room, also if several processes left more than one may keep', async () => {
    for (let process = 0; process < 4; process++) {
      const left = create({ maxBytes: 64 * 1024 })
      left.sender.answer = () => DOWN
      for (const number of range(1, 40)) {
        left.take(numberedSpan(process * 40 + number, big))
        if (number % 10 === 0) await left.flush({ until: 'safe' })
      }
      await left.close({ timeoutMs: 100 })
    }
    const next = create({ maxBytes: 64 * 1024 })
    let down = true
    next.sender.answer = () => (down ? DOWN : ACCEPTED)
    await until(() => next.stats().adopted > 0)
    for (const number of range(161, 200)) {
      next.take(numberedSpan(number, big))
      await next.flush({ until: 'safe' })
    }
    expect(next.stats().dropped.total).toBe(0)
    down = false
    await until(() => next.stats().delivered === 200)
    expect(sorted(next.sender.received)).toEqual(range(1, 200))
  })

  it.each(['EMFILE', 'EIO'])('keeps a file that cannot be read once (%s), and reads it later', async code => {
    const left = create({ segmentBytes: 1024 })
    left.sender.answer = () => DOWN
    for (const number of range(1, 20)) {
      left.take(numberedSpan(number, big))
      await left.flush({ until: 'safe' })
    }
    await left.close({ timeoutMs: 100 })
    const failing: SpoolOptions['files'] = {
      async open(path, ...rest) {
        if (rest[0] === 'r' && String(path).endsWith('5.log')) throw Object.assign(new Error('no'), { code })
        return files.open(path, ...rest)
      },
    }
    const second = create({ files: failing })
    await until(() => second.stats().delivered > 0 && second.stats().spooled === 0)
    await second.close()
    expect(second.stats().delivered).toBeLessThan(20)
    const third = create()
    await until(() => second.stats().delivered + third.stats().delivered === 20)
    expect(sorted([...second.sender.received, ...third.sender.received])).toEqual(range(1, 20))
  })

  it('orphans no directory if something fails right after it was renamed', async () => {
    const left = create()
    left.sender.answer = () => DOWN
    left.take(...numberedSpans(1, 5))
    await left.close({ timeoutMs: 100 })
    let failures = 0
    const failing: SpoolOptions['files'] = {
      async writeFile(path, ...rest) {
        if (String(path).endsWith('alive') && failures++ < 3)
          throw Object.assign(new Error('no'), { code: 'EIO' })
        return files.writeFile(path, ...rest)
      },
    }
    const next = create({ files: failing })
    await until(() => next.stats().delivered === 5)
  })

  it('reads only regular files of the spool', async () => {
    const left = create()
    left.sender.answer = () => DOWN
    left.take(...numberedSpans(1, 5))
    await left.close({ timeoutMs: 100 })
    const [file] = spoolFiles()
    mkdirSync(join(file!, '../00000007.log'))
    writeFileSync(join(file!, '../notes.log'), 'a note')
    // A pipe that nobody writes to: reading it would never end.
    const [makePipe] = ['mkfifo']
    execFileSync(makePipe!, [join(file!, '../00000008.log')])
    const next = create()
    await until(() => next.stats().delivered === 5)
    await next.close()
    expect(existsSync(join(file!, '..'))).toBe(false)
  })
})

describe('files that vanish', () => {
  it.each([
    ['the file', () => spoolFiles().map(file => rmSync(file))],
    ['the directory', () => rmSync(directory, { recursive: true })],
    [
      'the directory, taken over while the process was frozen',
      () => {
        for (const file of spoolFiles()) renameSync(join(file, '..'), join(file, '../../released-00000000'))
      },
    ],
  ])(
    '%s: what is in memory is written anew, and nothing is reported as spooled that is not there',
    async (_, act) => {
      const outbox = create()
      outbox.sender.answer = () => DOWN
      outbox.take(...numberedSpans(1, 10))
      await until(() => outbox.stats().spooled === 10)
      const before = new Set(spoolFiles())
      act()
      outbox.take(numberedSpan(11))
      await until(() => spoolFiles().some(file => !before.has(file)) && outbox.stats().spooled >= 11)
      await outbox.close({ timeoutMs: 100 })
      expect(outbox.stats().dropped.total).toBe(0)
      expect(outbox.unaccounted()).toBe(0)
      const next = create()
      await until(() => new Set(next.sender.received).size === 11)
      expect(sorted([...new Set(next.sender.received)])).toEqual(range(1, 11))
    },
  )

  it('are not those that are about to be made', async () => {
    const slow: SpoolOptions['files'] = {
      async open(...parameters) {
        // Longer than it takes until the files are looked after.
        if (parameters[1] === 'wx') await new Promise(resolve => setTimeout(resolve, 2500))
        return files.open(...parameters)
      },
    }
    const outbox = create({ files: slow })
    outbox.sender.answer = () => DOWN
    outbox.take(...numberedSpans(1, 10))
    await until(() => outbox.stats().spooled === 10)
    await outbox.close({ timeoutMs: 100 })
    const next = create()
    await until(() => next.stats().delivered === 10)
    expect(sorted(next.sender.received)).toEqual(range(1, 10))
  })

  it('are counted if what was in them is in no memory', async () => {
    const left = create()
    left.sender.answer = () => DOWN
    left.take(...numberedSpans(1, 5))
    await left.close({ timeoutMs: 100 })
    const next = createTestOutbox({
      clock: undefined,
      spool: { directory, adoptIntervalMs: 20, replayBytesPerSecond: 1 },
    })
    open.push(next)
    next.sender.answer = () => DOWN
    await until(() => next.stats().adopted === 5)
    rmSync(directory, { recursive: true })
    await next.close({ timeoutMs: 50 })
    expect(next.unaccounted()).toBe(0)
    expect(next.stats().spooled).toBe(0)
  })

  it('are not written to again and again', async () => {
    let cursors = 0
    const outbox = create({
      files: {
        async writeFile(path, ...rest) {
          if (String(path).endsWith('cursor.new')) cursors += 1
          return files.writeFile(path, ...rest)
        },
      },
    })
    outbox.take(...numberedSpans(1, 10))
    await outbox.flush()
    rmSync(directory, { recursive: true })
    await until(() => cursors > 0)
    const before = cursors
    await new Promise(resolve => setTimeout(resolve, 2500))
    expect(cursors).toBeLessThanOrEqual(before + 1)
  })
})

describe('the exit of a process', () => {
  it('writes what is in memory without waiting, and counts what cannot be written', async () => {
    const outbox = create({ adoptIntervalMs: 60_000 })
    outbox.sender.answer = () => DOWN
    outbox.take(numberedSpan(1))
    await until(() => outbox.stats().spooled === 1)
    outbox.take(...numberedSpans(2, 2000))
    outbox.closeNow()
    expect(outbox.stats()).toMatchObject({ accepted: 2000, spooled: 2000, waiting: 0, dropped: { total: 0 } })
    const next = create()
    // What was being written at that moment may be there twice.
    await until(() => new Set(next.sender.received).size === 2000)
    const withoutSpool = createTestOutbox()
    withoutSpool.take(...numberedSpans(1, 3))
    withoutSpool.closeNow()
    withoutSpool.take(numberedSpan(4))
    expect(withoutSpool.stats()).toMatchObject({ accepted: 4, waiting: 0, dropped: { closed: 4 } })
    expect(withoutSpool.lines).toEqual([
      'warn: 3 spans lost so far: the process ended before they were delivered',
    ])
  })
})

describe('a disk in trouble', () => {
  it.each(['ENOSPC', 'EROFS', 'EACCES'])(
    '%s: goes on in memory, says so once, and writes what waits there once it can',
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
      outbox.take(numberedSpan(4))
      await advanceUntil(outbox, () => outbox.stats().spooled === 4)
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
    expect(outbox.stats()).toMatchObject({ waiting: 1, spooled: 0 })
    outbox.take(numberedSpan(2))
    await advanceUntil(outbox, () => outbox.stats().spooled === 2)
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

  it('that loses files costs what was only there, counted', async () => {
    const outbox = create({ segmentBytes: 16 * 1024 }, { maxBytes: 64 * 1024 })
    let down = true
    outbox.sender.answer = () => (down ? DOWN : ACCEPTED)
    for (const number of range(1, 300)) {
      outbox.take(numberedSpan(number, big))
      if (number % 10 === 0) await outbox.flush({ until: 'safe' })
    }
    for (const file of spoolFiles().slice(0, 3)) rmSync(file)
    down = false
    await until(() => outbox.stats().spooled + outbox.stats().waiting === 0)
    const { delivered, dropped } = outbox.stats()
    expect(dropped.spool_lost).toBeGreaterThan(0)
    expect(delivered + dropped.spool_lost).toBe(300)
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
    await expect(outbox.flush({ until: 'safe' })).resolves.toMatchObject({ delivered: 3 })
    await expect(outbox.close()).resolves.toMatchObject({ waiting: 0 })
  })
})

/** Moves a manual clock on, and lets the disk work, until `condition` holds. */
async function advanceUntil(outbox: TestOutbox, condition: () => boolean): Promise<void> {
  await until(() => {
    void outbox.clock.advance(100)
    return condition()
  })
}

/** Lets a manual clock pass the write delay, and the disk work. */
async function settleDisk(outbox: TestOutbox): Promise<void> {
  await outbox.clock.advance(20)
  await new Promise(resolve => setTimeout(resolve, 30))
  await outbox.clock.advance(0)
}
