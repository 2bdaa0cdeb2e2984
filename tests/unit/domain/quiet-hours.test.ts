import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  hasCommonHours,
  isValidTimeZone,
  nextAllowed,
  offerAllowedAt,
  parseQuietHours,
  parseTimeZones,
} from '../../../src/domain/quiet-hours.ts'

const NIGHT = parseQuietHours('21:00-08:00')
const NEW_YORK = 'America/New_York'

function next(at: string, zone = NEW_YORK, quiet = NIGHT): string {
  return nextAllowed(new Date(at), zone, quiet).toISOString()
}

function clock(at: Date, timeZone: string): string {
  return at.toLocaleTimeString('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' })
}

test('the setting is two times of day, or off', () => {
  expect(NIGHT).toEqual({ start: 21 * 60, end: 8 * 60 })
  expect(parseQuietHours(' 00:00-06:30 ')).toEqual({ start: 0, end: 390 })
  expect(parseQuietHours('20:59-23:59')).toEqual({ start: 20 * 60 + 59, end: 23 * 60 + 59 })
  expect(parseQuietHours('13:30-20:00')).toEqual({ start: 13 * 60 + 30, end: 20 * 60 })
  for (const off of ['off', 'OFF', ' off ']) expect(parseQuietHours(off)).toBeNull()
})

test.each([
  ...['', 'on', '21-8', '9:00-21:00', '21:00 - 08:00', '21:00', '08:00-08:00'],
  ...['24:00-08:00', '30:00-08:00', '21:60-08:00', '21:00-24:00', '21:00-30:00', '21:00-08:60'],
])('a setting that could be misread is refused: %j', (setting) => {
  expect(() => parseQuietHours(setting)).toThrow(RangeError)
})

describe('a message waits for the end of the quiet hours on the clock of its receiver', () => {
  test.each([
    ['2026-03-02T17:00:00.123Z', '2026-03-02T17:00:00.123Z', 'noon: at once'],
    ['2026-03-02T13:00:00.000Z', '2026-03-02T13:00:00.000Z', '08:00 exactly: at once'],
    ['2026-03-03T01:59:59.999Z', '2026-03-03T01:59:59.999Z', 'just before 21:00: at once'],
    ['2026-03-03T02:00:00.000Z', '2026-03-03T13:00:00.000Z', '21:00: next morning'],
    ['2026-03-03T04:59:30.500Z', '2026-03-03T13:00:00.000Z', 'before midnight: next morning'],
    ['2026-03-03T05:00:00.000Z', '2026-03-03T13:00:00.000Z', 'midnight: this morning'],
    ['2026-03-03T12:59:59.999Z', '2026-03-03T13:00:00.000Z', 'just before 08:00: 08:00'],
  ])('%s → %s (%s)', (at, allowed) => {
    expect(next(at)).toBe(allowed)
  })

  test('also over the change to daylight saving time', () => {
    expect(next('2026-03-08T04:00:00Z')).toBe('2026-03-08T12:00:00.000Z')
    expect(next('2026-03-08T06:30:00Z')).toBe('2026-03-08T12:00:00.000Z')
  })

  test('and over the change back', () => {
    expect(next('2026-11-01T03:00:00Z')).toBe('2026-11-01T13:00:00.000Z')
    expect(next('2026-11-01T05:30:00Z')).toBe('2026-11-01T13:00:00.000Z')
  })

  test('in zones with odd offsets and without daylight saving time', () => {
    expect(next('2026-03-02T20:00:00Z', 'Asia/Kathmandu')).toBe('2026-03-03T02:15:00.000Z')
    expect(next('2026-03-02T12:00:00Z', 'Pacific/Kiritimati')).toBe('2026-03-02T18:00:00.000Z')
    expect(next('2026-03-02T22:00:00Z', 'UTC')).toBe('2026-03-03T08:00:00.000Z')
  })

  test('hours within one day work like hours over midnight', () => {
    const siesta = parseQuietHours('13:00-15:30')
    expect(next('2026-03-02T14:00:00Z', 'UTC', siesta)).toBe('2026-03-02T15:30:00.000Z')
    expect(next('2026-03-02T15:30:00Z', 'UTC', siesta)).toBe('2026-03-02T15:30:00.000Z')
    expect(next('2026-03-02T12:59:00Z', 'UTC', siesta)).toBe('2026-03-02T12:59:00.000Z')
  })

  test('an end that the clock skips is met soon after the change, never before', () => {
    const untilHalfPastTwo = parseQuietHours('00:00-02:30')
    for (const at of ['2026-03-08T05:00:00Z', '2026-03-08T06:50:00Z']) {
      const allowed = nextAllowed(new Date(at), NEW_YORK, untilHalfPastTwo).getTime()
      expect(allowed).toBeGreaterThanOrEqual(Date.parse('2026-03-08T07:00:00Z'))
      expect(allowed).toBeLessThanOrEqual(Date.parse('2026-03-08T08:00:00Z'))
    }
  })

  test('hours without length hold nothing up', () => {
    expect(next('2026-03-03T08:00:00Z', 'UTC', { start: 480, end: 480 })).toBe('2026-03-03T08:00:00.000Z')
  })

  test('when switched off, every moment will do', () => {
    const at = new Date('2026-03-03T04:00:00Z')
    expect(nextAllowed(at, NEW_YORK, null)).toBe(at)
  })
})

describe('an offer', () => {
  const policy = { hours: NIGHT, zonesOfUnknown: [NEW_YORK, 'Pacific/Honolulu'] }
  const allowed = (at: string, zone: string | null, lastsMs?: number) =>
    offerAllowedAt(new Date(at), zone, policy, lastsMs).toISOString()

  test('goes by the clock of its receiver', () => {
    expect(allowed('2026-03-03T03:00:00Z', NEW_YORK)).toBe('2026-03-03T13:00:00.000Z')
    expect(allowed('2026-03-03T03:00:00Z', 'America/Los_Angeles')).toBe('2026-03-03T03:00:00.000Z')
  })

  test.each([
    ['2026-07-01T17:59:00Z', '2026-07-01T18:00:00.000Z', '13:59 in New York, but 7:59 in Honolulu'],
    ['2026-07-01T18:00:00Z', '2026-07-01T18:00:00.000Z', '8:00 in Honolulu'],
    ['2026-07-02T00:59:00Z', '2026-07-02T00:59:00.000Z', '20:59 in New York'],
    ['2026-07-02T01:00:00Z', '2026-07-02T18:00:00.000Z', '21:00 in New York: tomorrow'],
  ])('to somebody of unknown whereabouts waits until it is quiet nowhere they may be: %s → %s (%s)', (at, when) => {
    expect(allowed(at, null)).toBe(when)
    expect(allowed(at, 'Nowhere/City')).toBe(when)
  })

  test('that would still be under way when the quiet hours begin waits for their end', () => {
    expect(allowed('2026-03-03T01:59:29.999Z', NEW_YORK, 30_000)).toBe('2026-03-03T01:59:29.999Z')
    expect(allowed('2026-03-03T01:59:30.000Z', NEW_YORK, 30_000)).toBe('2026-03-03T13:00:00.000Z')
    expect(allowed('2026-03-03T12:59:50.000Z', NEW_YORK, 30_000)).toBe('2026-03-03T13:00:00.000Z')
  })

  test('goes out at any time when there are no quiet hours', () => {
    const at = new Date('2026-03-03T04:00:00Z')
    expect(offerAllowedAt(at, NEW_YORK, { ...policy, hours: null })).toBe(at)
    expect(offerAllowedAt(at, null, { hours: null, zonesOfUnknown: [] })).toBe(at)
  })

  test('cannot go out where one of the zones is always quiet, and that can be told beforehand', () => {
    const zones = ['Europe/London', 'Asia/Shanghai', 'America/Los_Angeles']
    expect(() => offerAllowedAt(new Date(), null, { hours: NIGHT, zonesOfUnknown: zones })).toThrow(RangeError)
    expect(hasCommonHours(zones, NIGHT)).toBe(false)
    expect(hasCommonHours(zones, null)).toBe(true)
    expect(hasCommonHours(zones.slice(1), NIGHT)).toBe(true)
  })
})

test('a list of time zones names each once; one that does not exist is refused', () => {
  expect(parseTimeZones(' UTC , America/New_York,UTC')).toEqual(['UTC', NEW_YORK])
  for (const list of ['', 'UTC,', 'UTC;America/New_York', 'EST5']) {
    expect(() => parseTimeZones(list)).toThrow(RangeError)
  }
})

test('whatever the moment, zone and hours: allowed there, not earlier than due, and no later than the hours last', () => {
  const minute = fc.integer({ min: 0, max: 24 * 60 - 1 })
  const zones = fc.constantFrom(NEW_YORK, 'America/Los_Angeles', 'Europe/London', 'Australia/Lord_Howe', 'Asia/Kolkata')
  const aroundAChange = fc.constantFrom('2026-03-08', '2026-11-01', '2026-03-29', '2026-04-05', '2026-10-04')
  const due = fc
    .tuple(aroundAChange, fc.integer({ min: -48 * 3_600_000, max: 48 * 3_600_000 }))
    .map(([day, offset]) => new Date(Date.parse(day) + offset))
  fc.assert(
    fc.property(due, zones, minute, minute, (at, zone, start, end) => {
      // Where less than two hours of the day are left, a change of the clock may skip them altogether.
      fc.pre((start - end + 1440) % 1440 >= 120)
      const allowed = nextAllowed(at, zone, { start, end })
      const [hour = 0, minutes = 0] = clock(allowed, zone).split(':').map(Number)
      const local = hour * 60 + minutes
      expect(start < end ? local >= start && local < end : local >= start || local < end).toBe(false)
      expect(allowed.getTime()).toBeGreaterThanOrEqual(at.getTime())
      const length = (((end - start + 1440) % 1440) + 60) * 60_000
      expect(allowed.getTime() - at.getTime()).toBeLessThanOrEqual(length)
    }),
    { numRuns: 2000 },
  )
})

test('a time zone is an IANA name', () => {
  for (const zone of ['America/New_York', 'UTC', 'Etc/GMT+5', 'Asia/Kathmandu'])
    expect(isValidTimeZone(zone)).toBe(true)
  for (const zone of ['', 'Nowhere/City', '+02:00', 'EST5', ' UTC', 'America/New York']) {
    expect(isValidTimeZone(zone)).toBe(false)
  }
  expect(() => nextAllowed(new Date(), 'Nowhere/City', NIGHT)).toThrow(/unknown time zone: "Nowhere\/City"/)
  expect(() => nextAllowed(new Date(), 'Nowhere/City', null)).toThrow(RangeError)
})
