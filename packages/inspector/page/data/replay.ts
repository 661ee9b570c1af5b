import { ServerError } from './server.ts'

/** What a replay tells as it goes on. */
export interface ReplayState {
  status?: number
  text: string
  isRunning: boolean
  durationMs?: number
  firstTokenMs?: number
  model?: string
  usage?: Record<string, number>
  error?: string
  traceId?: string
}

/** Sends something again; `onState` is called with each piece of the answer. */
export async function replay(
  what: 'request' | 'generation',
  body: object,
  onState: (state: ReplayState) => void,
): Promise<void> {
  let state: ReplayState = { text: '', isRunning: true }
  const set = (next: Partial<ReplayState>): void => {
    state = { ...state, ...next }
    onState(state)
  }
  set({})
  try {
    const response = await fetch(`/api/replay/${what}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok || !response.body) {
      const { message } = await response.json().catch(() => ({ message: `status ${response.status}` }))
      throw new ServerError(response.status, message)
    }
    let rest = ''
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const lines = (rest + piece.value).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        const event = JSON.parse(line) as Partial<ReplayState> & { end?: true }
        set({ ...event, text: state.text + (event.text ?? ''), isRunning: !event.end })
      }
    }
    set({ isRunning: false })
  } catch (error) {
    set({ isRunning: false, error: (error as Error).message })
  }
}
