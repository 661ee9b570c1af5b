import { isSameModel } from './model-names.ts'

/** An interval of time, in ms. */
interface Interval {
  readonly startedAt: number
  readonly endedAt: number
}

export type CallType = 'generation' | 'embedding' | 'retriever'

interface TokenCounts {
  readonly input: number
  readonly output: number
}

/** A call as it was seen on the wire. */
export interface SeenCall extends Interval {
  readonly type: CallType
  readonly parentId: string | undefined
  /** The model asked for and the one that answered, as far as they are known. */
  readonly models: readonly string[]
  readonly responseId: string | undefined
  readonly usage: TokenCounts | undefined
  /** The beginning of what was asked last, and of the answer. */
  readonly question: string | undefined
  readonly answer: string | undefined
  readonly failed: boolean
}

/** Another observation that describes a call. */
export interface Description extends Interval {
  readonly type: CallType
  readonly spanId: string
  readonly parentId: string | undefined
  readonly models: readonly string[]
  readonly usage: TokenCounts | undefined
  /** Input and output as they are written; undefined if there is none. */
  readonly input: string | undefined
  readonly output: string | undefined
  /** True if the text stands anywhere in the observation. */
  mentions(text: string): boolean
}

// Observations begin at whole milliseconds with some clocks.
const TOLERANCE_MS = 10
const ID = 1_000
const ABOVE = 100
const USAGE = 30
const QUESTION = 30
const ANSWER = 20
const MODEL = 20
const SIBLING = 5
const WITHIN = 5
const SHORTEST_ID = 8

/** The observation that describes a call. */
export interface Match<Other> {
  readonly other: Other
  /** False if the call is only a failed attempt, or one of several. */
  readonly isWhole: boolean
}

interface Candidate<Call, Other> {
  readonly call: Call
  readonly other: Other
  readonly score: number
  /** True if the observation is above the call. */
  readonly isAbove: boolean
  readonly distanceMs: number
}

/**
 * Finds the calls that another observation describes, and by which: one call for each observation, besides its failed attempts, or all calls
 * under an observation that states their tokens in sum. `parentOf` gives the parent of an observation of the trace.
 */
export function matchCalls<Call extends SeenCall, Other extends Description>(
  calls: readonly Call[],
  others: readonly Other[],
  parentOf: (spanId: string) => string | undefined,
): Map<Call, Match<Other>> {
  const candidates: Candidate<Call, Other>[] = []
  for (const call of calls) {
    const above = ancestorsOf(call.parentId, parentOf)
    for (const other of others) {
      const score = scoreOf(call, other, above)
      if (score === 0) continue
      const distanceMs = Math.abs(call.startedAt - other.startedAt)
      candidates.push({ call, other, score, isAbove: above.has(other.spanId), distanceMs })
    }
  }
  candidates.sort((left, right) => right.score - left.score || left.distanceMs - right.distanceMs)
  const matched = assign(candidates)
  for (const { call, other } of candidates) {
    if (matched.has(call) || !(call.failed || isSummed(other, candidates))) continue
    matched.set(call, { other, isWhole: false })
  }
  return matched
}

/** Gives as many calls as possible an observation each, those that succeeded before those that failed. */
function assign<Call extends SeenCall, Other extends Description>(
  candidates: readonly Candidate<Call, Other>[],
): Map<Call, Match<Other>> {
  const matched = new Map<Call, Match<Other>>()
  const takenBy = new Map<Other, Call>()

  function take(call: Call, other: Other): void {
    matched.set(call, { other, isWhole: true })
    takenBy.set(other, call)
  }

  /** Takes the best observation that is free, or becomes free if another call can do with its second best. */
  function augment(call: Call, tried: Set<Other>): boolean {
    for (const candidate of rest) {
      const { other } = candidate
      if (candidate.call !== call || tried.has(other)) continue
      tried.add(other)
      const holder = takenBy.get(other)
      if (holder !== undefined && (call.failed || !augment(holder, tried))) continue
      take(call, other)
      return true
    }
    return false
  }

  for (const { call, other, score } of candidates) {
    if (score < ID || matched.has(call) || takenBy.has(other)) continue
    take(call, other)
  }
  // What is known by its id stays where it is.
  const rest = candidates.filter(({ call, other }) => !matched.has(call) && !takenBy.has(other))
  const open = [...new Set(rest.map(({ call }) => call))]
  for (const call of [...open.filter(one => !one.failed), ...open.filter(one => one.failed)]) {
    augment(call, new Set())
  }
  return matched
}

/** Zero if the observation does not describe the call. */
function scoreOf(call: SeenCall, other: Description, above: ReadonlyMap<string, number>): number {
  if (call.type !== other.type) return 0
  if (call.startedAt < other.startedAt - TOLERANCE_MS || call.startedAt > other.endedAt + TOLERANCE_MS)
    return 0
  const { responseId } = call
  if (responseId !== undefined && responseId.length >= SHORTEST_ID && other.mentions(responseId)) return ID
  const model = modelScore(call, other)
  if (model < 0) return 0
  const usage = usageScore(call, other)
  const question = textScore(call.question, other.input, QUESTION)
  const answer = textScore(call.answer, other.output, ANSWER)
  const evidence = Math.max(usage, 0) + Math.max(question, 0) + Math.max(answer, 0)
  const depth = above.get(other.spanId)
  // Around the call: it needs no evidence. The nearest one describes it.
  if (depth !== undefined) return ABOVE - depth + evidence + model
  // Another question is another call, unless both tokens and answer are the same.
  const isOther = question < 0 && (usage <= 0 || answer <= 0)
  if (isOther || evidence === 0) return 0
  const isWithin = call.endedAt <= other.endedAt + TOLERANCE_MS
  return evidence + model + (other.parentId === call.parentId ? SIBLING : 0) + (isWithin ? WITHIN : 0)
}

function modelScore({ models }: SeenCall, other: Description): number {
  if (models.length === 0 || other.models.length === 0) return 0
  return models.some(model => other.models.some(name => isSameModel(model, name))) ? MODEL : -1
}

function usageScore({ usage: seen }: SeenCall, { usage: told }: Description): number {
  if (seen === undefined || told === undefined) return 0
  if (seen.output === told.output && seen.input === told.input) return USAGE
  // Conventions differ in what belongs to the input.
  return seen.output === told.output ? 0 : -1
}

// A shorter text may stand within any other by chance, so that it has to be a whole value.
const TELLING_LENGTH = 24

function textScore(text: string | undefined, within: string | undefined, score: number): number {
  if (text === undefined || text === '' || within === undefined || within === '') return 0
  const escaped = JSON.stringify(text).slice(1, -1)
  // As JSON within JSON too.
  const twice = JSON.stringify(escaped).slice(1, -1)
  const found =
    text.length < TELLING_LENGTH
      ? within.includes(`"${escaped}"`) ||
        within.includes(`\\"${twice}\\"`) ||
        within.split('\n').includes(text)
      : within.includes(text) || within.includes(escaped) || within.includes(twice)
  return found ? score : -1
}

/** Whether an observation states the tokens of all calls under it in sum. */
function isSummed(other: Description, candidates: readonly Candidate<SeenCall, Description>[]): boolean {
  const { usage } = other
  const calls = candidates.filter(candidate => candidate.other === other && candidate.isAbove)
  if (usage === undefined || calls.length < 2) return false
  let input = 0
  let output = 0
  for (const { call } of calls) {
    if (call.usage === undefined) return false
    input += call.usage.input
    output += call.usage.output
  }
  return input === usage.input && output === usage.output
}

const MAX_DEPTH = 64

/** The observations above, with their distance. */
function ancestorsOf(
  parentId: string | undefined,
  parentOf: (spanId: string) => string | undefined,
): Map<string, number> {
  const above = new Map<string, number>()
  for (let id = parentId; id !== undefined && above.size < MAX_DEPTH && !above.has(id); id = parentOf(id)) {
    above.set(id, above.size)
  }
  return above
}
