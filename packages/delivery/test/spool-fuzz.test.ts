import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HEADER_BYTES, recordHeader, scanRecords } from '../src/spool/record-format.ts'
import { createRecordBuilder } from '../src/wire/record-builder.ts'
import { mutate } from './support/mutation.ts'
import { numberedSpan } from './support/numbered-spans.ts'
import { decodeSpans } from './support/otlp-decoder.ts'
import { createRandom } from './support/random-span.ts'
import { numberOf } from './support/scripted-sender.ts'
import { createTestOutbox } from './support/test-outbox.ts'
import { until } from './support/until.ts'

function record(number: number): Buffer {
  const builder = createRecordBuilder()
  builder.add(numberedSpan(number, { text: 'x'.repeat((number * 37) % 300) }))
  const { body } = builder.seal()!
  return Buffer.concat([recordHeader(number, body, 1), body])
}

describe('damaged spool files', () => {
  it('give back every record that is still whole, over thousands of ways to damage them', async () => {
    const records = Array.from({ length: 12 }, (_, index) => record(index + 1))
    const segment = Buffer.concat(records)
    let found = 0
    let damaged = 0
    for (let seed = 1; seed <= 5000; seed++) {
      const random = createRandom(seed)
      let bytes: Buffer = segment
      for (let times = 1 + (seed % 3); times > 0; times--) bytes = mutate(bytes, random)
      const whole = records.flatMap((one, index) => (bytes.includes(one) ? [index + 1] : []))
      const read = new Set<number>()
      for await (const { sequence, isWhole } of scanRecords(fileOf(bytes))) {
        if (isWhole) read.add(sequence)
        else damaged += 1
      }
      expect([seed, [...read].sort((a, b) => a - b)]).toEqual([seed, whole])
      found += whole.length
    }
    expect(found).toBeGreaterThan(10_000)
    expect(damaged).toBeGreaterThan(1000)
  })

  it('lose no whole record and upset nothing when a process takes them over', async () => {
    const template = await spooledFiles()
    for (let seed = 1; seed <= 500; seed++) {
      const random = createRandom(seed)
      const directory = mkdtempSync(join(tmpdir(), 'spool-'))
      const files = damage(template, random)
      for (const { path, content } of files) {
        mkdirSync(join(directory, path, '..'), { recursive: true })
        writeFileSync(join(directory, path), content)
      }
      const logs = files.filter(({ path }) => path.endsWith('.log'))
      const whole = new Set((await Promise.all(logs.map(({ content }) => wholeNumbers(content)))).flat())
      const outbox = createTestOutbox({ clock: undefined, spool: { directory, replayBytesPerSecond: 1e9 } })
      await until(() => [...whole].every(number => outbox.sender.received.includes(number)))
      await until(() => outbox.stats().spooled === 0)
      expect([seed, outbox.unaccounted()]).toEqual([seed, 0])
      outbox.take(numberedSpan(1000))
      await expect(outbox.close()).resolves.toMatchObject({ dropped: 0, waiting: 0, spooled: 0 })
      expect(outbox.sender.received).toContain(1000)
      rmSync(directory, { recursive: true, force: true })
    }
  })
})

interface SpooledFile {
  path: string
  content: Buffer
}

/** The files that a process left: 30 records in several segments, the first ten of them settled. */
async function spooledFiles(): Promise<SpooledFile[]> {
  const directory = mkdtempSync(join(tmpdir(), 'spool-'))
  const outbox = createTestOutbox({
    clock: undefined,
    lingerMs: 0,
    spool: { directory, segmentBytes: 1024, writeDelayMs: 0 },
  })
  outbox.sender.answer = ([number]) => ({ outcome: number! <= 10 ? 'accepted' : 'refused' })
  for (let number = 1; number <= 30; number++) {
    outbox.take(numberedSpan(number, { text: 'x'.repeat((number * 37) % 300) }))
    await outbox.flush({ until: 'safe' })
    if (number <= 10) await until(() => outbox.stats().delivered === number)
  }
  await outbox.close()
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .map(path => ({ path: path.slice(directory.length), content: readFileSync(path) }))
  rmSync(directory, { recursive: true })
  return files
}

/** Damages some files, and sometimes deletes one, swaps the contents of two or adds what does not belong there. */
function damage(template: readonly SpooledFile[], random: () => number): SpooledFile[] {
  const files = template.map(file => ({ ...file }))
  const any = (): SpooledFile => files[Math.floor(random() * files.length)]!
  for (let times = Math.floor(random() * 3); times >= 0; times--) {
    const file = any()
    file.content = mutate(file.content, random)
  }
  if (random() < 0.3) files.splice(files.indexOf(any()), 1)
  if (random() < 0.3) {
    const [one, other] = [any(), any()]
    ;[one.content, other.content] = [other.content, one.content]
  }
  if (random() < 0.2)
    files.push({ path: join(any().path, '../99999999.log'), content: Buffer.from('no records here') })
  if (random() < 0.2) files.push({ path: 'not-a-home/00000001.log', content: record(1) })
  return files.filter(({ path }) => !path.startsWith('not-a-home') || random() < 0.5)
}

/** Numbers of the spans in whole records of a file that were not settled. */
async function wholeNumbers(content: Buffer): Promise<number[]> {
  const numbers: number[] = []
  for await (const { isWhole, offset, length } of scanRecords(fileOf(content))) {
    const start = offset + HEADER_BYTES
    if (isWhole) numbers.push(...decodeSpans(content.subarray(start, start + length)).map(numberOf))
  }
  return numbers.filter(number => number > 10)
}

/** Bytes that can be read like a file. */
function fileOf(bytes: Buffer): Parameters<typeof scanRecords>[0] {
  const read = async (target: Buffer, start: number, length: number, position: number) => ({
    buffer: target,
    bytesRead: bytes.copy(target, start, position, position + length),
  })
  return { read: read as never }
}
