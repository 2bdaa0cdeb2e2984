/**
 * The hours of the day in which nobody is sent an offer, by the receiver's own clock: from `start` up to, but not
 * including, `end`, both in minutes after midnight. They may run over midnight. Null when switched off.
 */
export type QuietHours = { start: number; end: number } | null

/** When nobody is sent an offer. */
export type QuietPolicy = {
  hours: QuietHours
  /** Where a receiver may be whose time zone nobody told us: offers wait until it is quiet in none of them. */
  zonesOfUnknown: readonly string[]
}

const MINUTE = 60_000
const MINUTES_PER_DAY = 24 * 60
const MAX_ROUNDS = 20
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

/** The usual names: asking for one of the others takes longer than all the rest of a row of an import. */
const USUAL_TIME_ZONES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('timeZone'))

/** Whether this is the name of a time zone, such as `America/New_York`. A bare offset such as `+02:00` is not. */
export function isValidTimeZone(timeZone: string): boolean {
  if (USUAL_TIME_ZONES.has(timeZone) || clocks.has(timeZone)) return true
  if (!/^[A-Za-z]/.test(timeZone)) return false
  try {
    // Not kept: names differ in case alone, and an import may hold thousands.
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone !== ''
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/**
 * Reads the setting: names of time zones, separated by commas, each once.
 * @throws RangeError when there is none, or one does not exist
 */
export function parseTimeZones(setting: string): string[] {
  const zones = setting.split(',').map((zone) => zone.trim())
  if (!zones.every(isValidTimeZone)) throw new RangeError('a time zone must be an IANA name')
  return [...new Set(zones)]
}

/** Whether every day has an hour at which it is quiet in none of the zones; asked for every week of a year. */
export function hasCommonHours(zones: readonly string[], quiet: QuietHours): boolean {
  try {
    for (let day = 0; day < 366; day += 7) allowedInAll(new Date(Date.UTC(2028, 0, 1 + day)), zones, quiet)
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/**
 * When an offer that is due at `at` may go out.
 *
 * @param timeZone the receiver's; null, or one that does not exist, when it is not known
 * @param lastsMs how long sending it may take: it must be over before the quiet hours begin, milliseconds
 * @returns `at` itself when it may go out at once
 * @throws {RangeError} when it is always quiet in one of the zones; the configuration is checked for that
 */
export function offerAllowedAt(at: Date, timeZone: string | null, policy: QuietPolicy, lastsMs = 0): Date {
  if (policy.hours === null) return at
  const zones = timeZone !== null && isValidTimeZone(timeZone) ? [timeZone] : policy.zonesOfUnknown
  const begin = allowedInAll(at, zones, policy.hours)
  const end = new Date(begin.getTime() + lastsMs)
  const afterNextQuiet = allowedInAll(end, zones, policy.hours)
  return afterNextQuiet > end ? afterNextQuiet : begin
}

/** Each zone in turn puts it off, until all agree; zones that do not, because one changes its clock, agree some days later. */
function allowedInAll(at: Date, zones: readonly string[], quiet: QuietHours): Date {
  let time = at
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const next = zones.reduce((latest, zone) => nextAllowed(latest, zone, quiet), time)
    if (next.getTime() === time.getTime()) return time
    time = next
  }
  throw new RangeError('it is always quiet in one of the time zones')
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
  const known = clocks.get(timeZone)
  if (known !== undefined) return known
  const clock = newWallClock(timeZone)
  clocks.set(timeZone, clock)
  return clock
}

/** By time zone: making one takes longer than reading it a hundred times, and an offer may go to hundreds of receivers. */
const clocks = new Map<string, (time: number) => number>()

function newWallClock(timeZone: string): (time: number) => number {
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
