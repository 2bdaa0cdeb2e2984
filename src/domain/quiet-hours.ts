/**
 * The hours of the day in which nobody is sent an offer, by the receiver's own clock: from `start` up to, but not
 * including, `end`, both in minutes after midnight. They may run over midnight. Null when switched off.
 */
export type QuietHours = { start: number; end: number } | null

const MINUTE = 60_000
const MINUTES_PER_DAY = 24 * 60
const RANGE = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/

/**
 * Reads the setting: `21:00-08:00`, or `off`.
 * @throws RangeError when it is anything else, or when both times are the same (all day, or never?).
 */
export function parseQuietHours(setting: string): QuietHours {
  if (setting.trim().toLowerCase() === 'off') return null
  const match = RANGE.exec(setting.trim())
  if (match === null) throw new RangeError('quiet hours must look like 21:00-08:00, or be off')
  const [startHour = 0, startMinute = 0, endHour = 0, endMinute = 0] = match.slice(1).map(Number)
  const start = startHour * 60 + startMinute
  const end = endHour * 60 + endMinute
  if (start === end) throw new RangeError('quiet hours must not start and end at the same time; use off for none')
  return { start, end }
}

/** Whether this is the name of a time zone, such as `America/New_York`. A bare offset such as `+02:00` is not. */
export function isValidTimeZone(timeZone: string): boolean {
  if (!/^[A-Za-z]/.test(timeZone)) return false
  try {
    wallClock(timeZone)
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/**
 * When a message that is due at `at` may go out.
 *
 * Right across a change to or from daylight saving time: the hours end when the receiver's clock says so. If that time
 * is skipped by the change, the answer is at most the length of the change late, never early.
 * @param timeZone the receiver's IANA time zone.
 * @returns `at` itself outside the quiet hours; otherwise the next moment at which they end there.
 * @throws RangeError when the time zone does not exist.
 */
export function nextAllowed(at: Date, timeZone: string, quiet: QuietHours): Date {
  if (!isValidTimeZone(timeZone)) throw new RangeError(`unknown time zone: ${JSON.stringify(timeZone)}`)
  if (quiet === null) return at
  const wall = wallClock(timeZone)
  let time = at.getTime()
  while (isQuiet(minuteOfDay(wall(time)), quiet)) time = nextEnd(time, wall, quiet.end)
  return time === at.getTime() ? at : new Date(time)
}

/** The next time the clock reads `end`; short of it by at most one change of the clock, past it only when it is skipped. */
function nextEnd(time: number, wall: (time: number) => number, end: number): number {
  const now = wall(time)
  const wait = (end - minuteOfDay(now) + MINUTES_PER_DAY) % MINUTES_PER_DAY
  const target = time + wait * MINUTE - (now % MINUTE)
  const clockChange = wall(target) - target - (now - time)
  return target - clockChange > time ? target - clockChange : target
}

function isQuiet(minute: number, { start, end }: { start: number; end: number }): boolean {
  return start <= end ? minute >= start && minute < end : minute >= start || minute < end
}

function minuteOfDay(wallTime: number): number {
  return Math.floor(wallTime / MINUTE) % MINUTES_PER_DAY
}

/**
 * A function from an instant to what the zone's clock shows then, both in milliseconds: the clock's reading as if it
 * were UTC, so that plain arithmetic works on it.
 */
function wallClock(timeZone: string): (time: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  return (time) => {
    const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]))
    const read = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0
    const seconds = Date.UTC(read('year'), read('month') - 1, read('day'), read('hour'), read('minute'), read('second'))
    return seconds + (((time % 1000) + 1000) % 1000)
  }
}
