import { createBreaker } from '../src/outbox/breaker.ts'

const create = () => createBreaker({ failures: 3, coolDownMs: 1000 })

describe('the circuit breaker', () => {
  it('opens after consecutive failures, and restarts the count after a success', () => {
    const breaker = create()
    expect([breaker.fail(0), breaker.fail(0)]).toEqual([false, false])
    breaker.succeed()
    expect([breaker.fail(0), breaker.fail(0), breaker.fail(0)]).toEqual([false, false, true])
    expect(breaker).toMatchObject({ state: 'open', openings: 1, openedAt: 0 })
  })

  it('lets nothing through until the cool-down is over, then one probe', () => {
    const breaker = create()
    for (let count = 0; count < 3; count++) breaker.fail(100)
    expect(breaker.readyAt()).toBe(1100)
    expect(breaker.acquire(1099)).toBe(false)
    expect(breaker.acquire(1100)).toBe(true)
    expect(breaker.state).toBe('half_open')
    expect(breaker.acquire(1100)).toBe(false)
    expect(breaker.readyAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('closes when the probe succeeds, and stays open since the same time when it fails', () => {
    const breaker = create()
    for (let count = 0; count < 3; count++) breaker.fail(0)
    breaker.acquire(1000)
    expect(breaker.fail(1500)).toBe(false)
    expect(breaker.readyAt()).toBe(2500)
    expect(breaker).toMatchObject({ state: 'open', openings: 1, openedAt: 0 })
    breaker.acquire(2500)
    expect(breaker.succeed()).toBe(true)
    expect(breaker).toMatchObject({ state: 'closed', failures: 0, openedAt: undefined })
    expect(breaker.succeed()).toBe(false)
  })

  it('is not held open longer by requests that were sent before it opened', () => {
    const breaker = create()
    for (let count = 0; count < 3; count++) breaker.fail(0)
    breaker.fail(900)
    expect(breaker.readyAt()).toBe(1000)
  })

  it('shortens a cool-down after failures, but not one that it was tripped for', () => {
    const breaker = create()
    for (let count = 0; count < 3; count++) breaker.fail(0)
    breaker.shorten(10)
    expect(breaker.readyAt()).toBe(10)
    expect(breaker.trip(10, 60_000)).toBe(false)
    breaker.shorten(20)
    expect(breaker.readyAt()).toBe(60_010)
  })

  it('lets another request be the probe after a permit was released unused', () => {
    const breaker = create()
    breaker.trip(0, 10)
    expect(breaker.acquire(10)).toBe(true)
    breaker.release()
    expect(breaker.acquire(10)).toBe(true)
  })
})
