import { Session } from 'node:inspector/promises'

/** Profiles this process's main thread until the returned function is called: where it spends its time. */
export async function profileTime() {
  const session = connected()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 100 })
  await session.post('Profiler.start')
  return async () => {
    const { profile } = await session.post('Profiler.stop')
    session.disconnect()
    return profile
  }
}

/** Profiles this process until the returned function is called: where it allocates, what has been collected since included. */
export async function profileAllocations() {
  const session = connected()
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: 8_192,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  })
  return async () => {
    const { profile } = await session.post('HeapProfiler.stopSampling')
    session.disconnect()
    return profile
  }
}

function connected() {
  const session = new Session()
  session.connect()
  return session
}
