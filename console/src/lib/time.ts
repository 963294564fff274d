/** One formatter for all dates. Times are ISO 8601 as the server sends them; shown in the reader's own time zone. */

export type Wait = 'fresh' | 'long' | 'overdue'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** From when a waiting customer is shown amber, and red. */
export const LONG_WAIT_MS = MINUTE_MS
export const OVERDUE_WAIT_MS = 3 * MINUTE_MS

const dates = new Map<string, Intl.DateTimeFormat>()

/** Making a formatter costs a hundred times what using it does, and lists format thousands. */
function dateFormat(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options)
  const format = dates.get(key) ?? new Intl.DateTimeFormat(locale, options)
  dates.set(key, format)
  return format
}

const units = new Map<string, Intl.NumberFormat>()

function unitFormat(locale: string, unit: string): Intl.NumberFormat {
  const key = locale + unit
  const format =
    units.get(key) ?? new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'narrow' })
  units.set(key, format)
  return format
}

export function waitLevel(waitedMs: number): Wait {
  if (waitedMs >= OVERDUE_WAIT_MS) return 'overdue'
  return waitedMs >= LONG_WAIT_MS ? 'long' : 'fresh'
}

/** A duration in its largest unit: seconds below a minute, then minutes, hours (up to three days), days. Never negative. */
export function formatDuration(ms: number, locale: string): string {
  const [value, unit] = largestUnit(Math.max(0, ms))
  return unitFormat(locale, unit).format(value)
}

function largestUnit(ms: number): [number, 'second' | 'minute' | 'hour' | 'day'] {
  if (ms < MINUTE_MS) return [Math.floor(ms / 1000), 'second']
  if (ms < HOUR_MS) return [Math.floor(ms / MINUTE_MS), 'minute']
  if (ms < 3 * DAY_MS) return [Math.floor(ms / HOUR_MS), 'hour']
  return [Math.floor(ms / DAY_MS), 'day']
}

export function formatClock(iso: string, locale: string): string {
  return dateFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(new Date(iso))
}

/** The exact moment, for hovering. */
export function formatExact(iso: string, locale: string): string {
  return dateFormat(locale, {
    dateStyle: 'long',
    timeStyle: 'medium',
    hourCycle: 'h23',
  }).format(new Date(iso))
}

/** A day and its time, short. */
export function formatMoment(iso: string, locale: string): string {
  return dateFormat(locale, {
    dateStyle: 'medium',
    timeStyle: 'short',
    hourCycle: 'h23',
  }).format(new Date(iso))
}

export function formatDate(iso: string, locale: string): string {
  return dateFormat(locale, { dateStyle: 'medium' }).format(new Date(iso))
}

/** A short moment for lists: the clock today, else the day, with the year if it is another one. */
export function formatShort(iso: string, now: number, locale: string): string {
  const at = new Date(iso)
  const today = new Date(now)
  if (dayKey(iso) === dayKey(today.toISOString())) return formatClock(iso, locale)
  const sameYear = at.getFullYear() === today.getFullYear()
  return dateFormat(locale, {
    month: 'short',
    day: 'numeric',
    ...(sameYear ? {} : { year: 'numeric' }),
  }).format(at)
}

/** A day as a heading: today, yesterday, else written out. */
export function formatDay(iso: string, now: number, locale: string): string {
  const days = Math.round((startOfDay(now) - startOfDay(Date.parse(iso))) / DAY_MS)
  if (days === 0 || days === 1) {
    const words = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(-days, 'day')
    return words.charAt(0).toUpperCase() + words.slice(1)
  }
  const sameYear = new Date(iso).getFullYear() === new Date(now).getFullYear()
  return dateFormat(locale, {
    weekday: 'long',
    month: 'long',
    day: 'numeric',
    ...(sameYear ? {} : { year: 'numeric' }),
  }).format(new Date(iso))
}

/** The same for two moments of one day of the reader. */
export function dayKey(iso: string): string {
  const at = new Date(iso)
  return `${at.getFullYear()}-${at.getMonth()}-${at.getDate()}`
}

/** The same for two moments of one minute of the reader. */
export function minuteKey(iso: string): string {
  return String(Math.floor(Date.parse(iso) / MINUTE_MS))
}

function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0)
}

/** How far something is played, or how long it is: minutes and seconds, `1:05`. */
export function formatPosition(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  return `${String(Math.floor(whole / 60))}:${String(whole % 60).padStart(2, '0')}`
}
