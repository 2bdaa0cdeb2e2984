import { expect, test } from 'vitest'
import { latestInstant } from '../../../src/gateways/textmagic/times.ts'

const instant = Date.parse('2012-11-28T18:38:28Z')

test.each([
  '2012-11-28T18:38:28+0000',
  '2012-11-28T18:38:28+00:00',
  '2012-11-28T18:38:28+00',
  '2012-11-28T18:38:28Z',
  '2012-11-28T18:38:28.000Z',
  '2012-11-28 18:38:28 UTC',
  '2012-11-28T13:38:28-0500',
  '2012-11-29T00:08:28+05:30',
  ' 2012-11-28T18:38:28+0000 ',
  '1354127908',
  1354127908,
  1354127908000,
])('%j is read as the instant it is', (time) => expect(latestInstant(time)).toBe(instant))

test('a time without an offset may be twelve hours later in UTC', () => {
  expect(latestInstant('2012-11-28 18:38:28')).toBe(instant + 12 * 3_600_000)
  expect(latestInstant('2012-11-28T18:38:28')).toBe(instant + 12 * 3_600_000)
})

test.each([null, undefined, '', 'soon', 'NaN', '2012-13-45T99:99:99Z', '28/11/2012', 12, Number.NaN])(
  '%j is no time',
  (time) => expect(latestInstant(time)).toBeNull(),
)
