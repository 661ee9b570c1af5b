const time = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
})
const day = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short' })
const whole = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/** `06:08:27.042`, with the day in front where it is another one. */
export function formatMoment(ms: number): string {
  if (!isDate(ms)) return '—'
  const date = new Date(ms)
  const isToday = date.toDateString() === new Date().toDateString()
  return isToday ? time.format(date) : `${day.format(date)} ${time.format(date)}`
}

/** Day and time in full. */
export function formatFullMoment(ms: number): string {
  return isDate(ms) ? whole.format(new Date(ms)) : '—'
}

// A hostile span may claim any time, and dates end in the year 275760.
function isDate(ms: number): boolean {
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15
}
