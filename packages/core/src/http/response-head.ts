import type { ServerResponse } from 'node:http'
import { type Bound, inherited, kTrace } from './bound-trace.ts'

/** A trace that wants to know, and may add to, the head of a response before it is written. */
export interface HeadHook {
  head(head: ResponseHead): void
  /** Takes the response as completed although its end is held back. */
  finishedEarly?(): void
}

/** Reports a response whose end is held back as completed. */
export function finishEarly(response: ServerResponse): void {
  ;(response as HookedResponse)[kTrace]?.finishedEarly?.()
}

interface HookedResponse extends ServerResponse, Bound<HeadHook> {
  [kWriteHead]?: ServerResponse['writeHead']
}

type HeaderValue = string | number | readonly string[]

const kWriteHead = Symbol('langfuse-middleware.writeHead')

/**
 * Calls `hook` whenever the head of `response` is about to be written. There is no public hook for that in Node: `writeHead` of this one
 * response is stood in for, by a function that all responses share (the package on-headers makes several closures for each, and gives
 * Node the headers one by one, which together was a microsecond per request).
 */
export function hookHead(response: ServerResponse, hook: HeadHook): void {
  const hooked = response as HookedResponse
  // With an adapter inside an adapter, the outer one's trace is the response's. Some stand-ins for responses have no `writeHead`.
  if (hooked[kTrace] !== undefined || typeof response.writeHead !== 'function') return
  if (Object.hasOwn(response, 'writeHead')) hooked[kWriteHead] = response.writeHead
  hooked[kTrace] = hook
  hooked.writeHead = writeHead
}

function writeHead(this: HookedResponse, ...args: unknown[]): ServerResponse {
  const head = new ResponseHead(this, args)
  try {
    this[kTrace]?.head(head)
  } catch {
    // The head is written as the app wants it.
  }
  const original =
    this[kWriteHead] ?? (inherited(this, 'writeHead', writeHead) as ServerResponse['writeHead'])
  try {
    return Reflect.apply(original, this, head.args)
  } catch (error) {
    head.restore()
    throw error
  }
}

/** The headers of a response in its last moment: those it has, under those that come with the call of `writeHead`. */
export class ResponseHead {
  readonly response: ServerResponse
  /** What to call `writeHead` with. */
  args: unknown[]
  private readonly at: number
  private isCopied = false
  /** Headers of the response that were changed here, with their values before. */
  private before: Map<string, HeaderValue | undefined> | undefined

  constructor(response: ServerResponse, args: unknown[]) {
    this.response = response
    this.args = args
    this.at = typeof args[1] === 'string' ? 2 : 1
  }

  get statusCode(): number {
    const [statusCode] = this.args
    return typeof statusCode === 'number' ? statusCode : this.response.statusCode
  }

  get(name: string): HeaderValue | undefined {
    const given = this.args[this.at]
    if (Array.isArray(given)) {
      const pair = pairs(given).find(([key]) => same(key, name))
      if (pair !== undefined) return pair[1] as HeaderValue
    } else if (typeof given === 'object' && given !== null) {
      for (const key in given) if (same(key, name)) return (given as Record<string, HeaderValue>)[key]
    }
    return this.response.getHeader(name)
  }

  /** Adds a header, unless the app has it. */
  add(name: string, value: string): void {
    if (this.get(name) === undefined) this.put(name, value)
  }

  set(name: string, value: string): void {
    const given = this.args[this.at]
    if (Array.isArray(given))
      this.give(
        pairs(given)
          .filter(([key]) => !same(key, name))
          .flat(),
      )
    else if (typeof given === 'object' && given !== null) {
      const headers = this.copied(given)
      for (const key in headers) if (same(key, name)) delete headers[key]
    }
    this.put(name, value)
  }

  /** Hands all headers to the response itself, which then tells of them as long as it lives. */
  settle(): void {
    const given = this.args[this.at]
    if (typeof given !== 'object' || given === null) return
    const headers = new Map<string, [name: string, value: HeaderValue]>()
    for (const [name, value] of Array.isArray(given) ? pairs(given) : Object.entries(given)) {
      const key = name.toLowerCase()
      const before = headers.get(key)?.[1]
      headers.set(key, [name, before === undefined ? value : [before, value].flat().map(String)])
    }
    for (const [name, value] of headers.values()) this.setOnResponse(name, value)
    this.args = this.args.slice(0, this.at)
  }

  /** Gives the response back the headers that it had, because `writeHead` failed. */
  restore(): void {
    if (this.response.headersSent) return
    for (const [name, value] of this.before ?? []) {
      if (value === undefined) this.response.removeHeader(name)
      else this.response.setHeader(name, value)
    }
  }

  /** Where the app hands all headers to `writeHead` ours go along: Node is slower with headers from both sides. */
  private put(name: string, value: string): void {
    const given = this.args[this.at]
    if (typeof given !== 'object' || given === null) this.setOnResponse(name, value)
    else if (Array.isArray(given)) this.give([...pairs(given), [name, value]].flat())
    else this.copied(given)[name] = value
  }

  private setOnResponse(name: string, value: HeaderValue): void {
    const key = name.toLowerCase()
    this.before ??= new Map()
    if (!this.before.has(key)) this.before.set(key, this.response.getHeader(name))
    this.response.setHeader(name, value)
  }

  private copied(given: object): Record<string, unknown> {
    if (!this.isCopied) this.give({ ...given })
    return this.args[this.at] as Record<string, unknown>
  }

  private give(headers: unknown): void {
    if (!this.isCopied) this.args = [...this.args]
    this.isCopied = true
    this.args[this.at] = headers
  }
}

/** `writeHead` takes a list as names and values in turn, and as pairs. */
function pairs(list: readonly unknown[]): [string, unknown][] {
  if (Array.isArray(list[0])) return list as [string, unknown][]
  return list.flatMap((name, index) => (index % 2 === 0 ? [[String(name), list[index + 1]]] : []))
}

function same(key: string, name: string): boolean {
  if (key.length !== name.length || ((key.charCodeAt(0) ^ name.charCodeAt(0)) & ~0x20) !== 0) return false
  return key.toLowerCase() === name.toLowerCase()
}
