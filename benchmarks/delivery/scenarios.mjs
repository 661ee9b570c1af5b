import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep, startApplication, startServer } from './processes.mjs'

const MIB = 2 ** 20

/** Every scenario for one way of exporting: `outbox`, `spool` or `sdk`. Each returns the figures of a line. */
export const scenarios = [
  { name: 'burst of 50,000 spans in one tick', exporters: ['outbox', 'spool', 'sdk'], run: burst },
  ...['refuse', 'hang', '500', '503', 'reset'].map(mode => ({
    name: `outage, 500 requests/s: ${{ refuse: 'connections refused', hang: 'no answer', 500: '500', 503: '503', reset: 'reset mid-body' }[mode]}`,
    exporters: ['outbox', 'spool', 'sdk'],
    run: (exporter, times) => outage(exporter, times, mode),
  })),
  { name: "kill -9 under load (fsync: 'batch'), restart", exporters: ['spool', 'sdk'], run: killed },
  { name: 'SIGTERM under load', exporters: ['outbox', 'spool', 'sdk'], run: terminated },
  { name: 'two processes, one directory, one killed', exporters: ['spool', 'sdk'], run: pair },
  { name: 'outage with a disk of 16 MiB and 16 MiB of memory', exporters: ['spool', 'sdk'], run: fullDisk },
]

async function burst(exporter) {
  return withServer(async (server, directory) => {
    await server.set({ latencyMs: 100 })
    const application = await start(server, exporter, directory, { burst: 50_000, waitForDelivery: true })
    return figures(server, [await application.end()])
  })
}

async function outage(exporter, { outageMs, settleMs }, mode) {
  return withServer(async (server, directory) => {
    const application = await start(server, exporter, directory, {
      perSecond: 500,
      waitForDelivery: true,
      drainMs: 120_000,
    })
    await sleep(settleMs)
    await server.set({ mode })
    await sleep(outageMs)
    await server.set({ mode: 'accept' })
    await sleep(settleMs)
    return figures(server, [await application.end()])
  })
}

async function killed(exporter, { settleMs }) {
  return withServer(async (server, directory) => {
    await server.set({ latencyMs: 100 })
    const application = await start(server, exporter, directory, { perSecond: 500 }, { fsync: 'batch' })
    await sleep(settleMs)
    const ended = await application.kill('SIGKILL')
    const next = await start(server, exporter, directory, { prefix: 'next', waitForDelivery: true })
    await sleep(1000)
    return figures(server, [ended, await next.end()])
  })
}

async function terminated(exporter, { settleMs }) {
  return withServer(async (server, directory) => {
    await server.set({ latencyMs: 100 })
    const application = await start(server, exporter, directory, { perSecond: 500 })
    await sleep(settleMs)
    const ended = await application.kill('SIGTERM')
    const next = await start(server, exporter, directory, { prefix: 'next', waitForDelivery: true })
    await sleep(1000)
    return figures(server, [ended, await next.end()])
  })
}

async function pair(exporter, { settleMs }) {
  return withServer(async (server, directory) => {
    await server.set({ latencyMs: 100 })
    const one = await start(server, exporter, directory, { prefix: 'one', perSecond: 250 })
    const other = await start(server, exporter, directory, {
      prefix: 'other',
      perSecond: 250,
      waitForDelivery: true,
    })
    await sleep(settleMs)
    const ended = await one.kill('SIGKILL')
    // The survivor looks for what others left every ten seconds.
    await sleep(exporter === 'sdk' ? 0 : 12_000)
    return figures(server, [ended, await other.end()])
  })
}

async function fullDisk(exporter, { outageMs, settleMs }) {
  const disk = mountDisk()
  try {
    return await withServer(async (server, directory) => {
      const limits = { maxBytes: 16 * MIB, perSecond: 500, waitForDelivery: true, drainMs: 120_000 }
      const application = await start(server, exporter, disk ?? directory, limits)
      await server.set({ mode: 'refuse' })
      await sleep(Math.min(outageMs, 20_000))
      await server.set({ mode: 'accept' })
      await sleep(settleMs)
      return figures(server, [await application.end()])
    })
  } finally {
    if (disk !== undefined) execFileSync('umount', ['--lazy', disk])
  }
}

/** A file system of 16 MiB in memory, where this user may mount one. */
function mountDisk() {
  const disk = mkdtempSync(join(tmpdir(), 'delivery-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk], { stdio: 'ignore' })
    return disk
  } catch {
    throw new Error('a disk that fills needs the right to mount a tmpfs')
  }
}

function start({ baseUrl }, exporter, directory, options, spool = {}) {
  const kept = exporter === 'spool' ? { spool: { directory, fsync: 'interval', ...spool } } : {}
  return startApplication({ prefix: 'application', baseUrl, exporter, ...kept, ...options })
}

async function withServer(run) {
  const server = await startServer()
  const directory = join(mkdtempSync(join(tmpdir(), 'delivery-')), 'spool')
  mkdirSync(directory)
  try {
    return await run(server, directory)
  } finally {
    server.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** What was sent against what came; of a process that was killed, `unwritten` is what it had not yet brought to disk. */
async function figures(server, applications) {
  const { received, duplicated, differing } = await server.report()
  const total = key => applications.reduce((sum, application) => sum + (application[key] ?? 0), 0)
  const sent = total('sent')
  const unwritten = applications.reduce(
    (sum, { ended, sent, safe }) => sum + (ended || safe === 0 ? 0 : sent - safe),
    0,
  )
  const lost = sent - received.length
  const notYetWritten = Math.max(0, Math.min(unwritten, lost))
  return {
    sent,
    received: received.length,
    duplicated,
    differing,
    lost,
    unwritten: notYetWritten,
    silent: lost - notYetWritten - total('dropped') - total('spooled'),
    counted: applications.every(({ dropped }) => dropped === undefined) ? undefined : total('dropped'),
    peakMiB: Math.round(Math.max(...applications.map(({ peakMiB }) => peakMiB))),
  }
}
