import fc from 'fast-check'
import { parsePhoneNumberFromString } from 'libphonenumber-js/max'
import { expect, test } from 'vitest'
import { normalisePhone, phoneFromGateway } from '../../../src/domain/phone.ts'

test.each([
  ['+13055550160', '+13055550160'],
  ['13055550160', '+13055550160'],
  ['3055550160', '+13055550160'],
  ['(305) 555-0160', '+13055550160'],
  [' 305.555.0160 ', '+13055550160'],
  ['1-305-555-0160', '+13055550160'],
  ['+1 305\u2011555\u20110160', '+13055550160'],
  ['+1\u00A0305\u200B5550160', '+13055550160'],
  // As it is copied out of the contacts of a phone.
  ['\u202A+1 305-555-0160\u202C', '+13055550160'],
  ['\u200F(305) 555-0160', '+13055550160'],
  ['447911123456\u200B', '+447911123456'],
  ['\uFF14\uFF14\uFF17\uFF19\uFF11\uFF11\uFF11\uFF12\uFF13\uFF14\uFF15\uFF16', '+447911123456'],
  ['＋１３０５５５５０１６０', '+13055550160'],
  ['+44 7860 021130', '+447860021130'],
  ['447860021130', '+447860021130'],
  ['011 44 7860 021130', '+447860021130'],
])('every spelling of one number becomes the same E.164: %j', (written, e164) => {
  expect(normalisePhone(written)).toBe(e164)
})

test.each([
  ...['', ' ', 'abc', '+', '+1234567890', '1234567890', '123', '15555550100', '+1305555016', '+130555501600'],
  ...['4955550160', '+13055550160 ext 5', 'call +13055550160', '+13055550160, +13055550161', '0', '+999123456789'],
])('what is no valid number is refused: %j', (written) => {
  expect(normalisePhone(written)).toBeNull()
})

test.each([
  ['+15555550100', '+15555550100'],
  ['+1 (555) 123-4567', '+15551234567'],
  ['+44 7999 999999', '+447999999999'],
])('written with its country code, a number that no plan has yet is taken at its word: %j', (written, e164) => {
  expect(normalisePhone(written)).toBe(e164)
})

test.each([
  ...['+1 055 512 3456', '+11555123456', '+1 555 123 456', '+1 555 123 45678', '+44 79', '+15551234567 ext 5'],
  ...['555 123 4567', '+49', '+999123456789'],
])("but it has the shape of its country's numbers: %j is refused", (written) => {
  expect(normalisePhone(written)).toBeNull()
})

test('the fictional US numbers 555-0100 to 555-0199 are valid, so that examples can use them', () => {
  for (let last = 100; last <= 199; last += 1) expect(normalisePhone(`+13055550${last}`)).toBe(`+13055550${last}`)
})

test.each([
  ['13055550160', '+13055550160'],
  ['447860021130', '+447860021130'],
  ['+447860021130', '+447860021130'],
  [' 447860021130 ', '+447860021130'],
  ['15555550100', '+15555550100'],
  ['4407860021130', '+447860021130'],
  ['4478600211', '+4478600211'],
  ['999123456789', '+999123456789'],
  ['2345678', '+2345678'],
  ['234567890123456', '+234567890123456'],
  ['2345678901234567', null],
  ['234567', null],
  ['', null],
  ['12345', null],
  ['TextMagic', null],
  ['0305555016', null],
])('the gateway writes %j for %j', (digits, e164) => {
  expect(phoneFromGateway(digits)).toBe(e164)
})

test('a number that the gateway writes without its plus is the same number', () => {
  const number = fc.integer({ min: 2_000_000, max: 9_999_999 }).map((local) => normalisePhone(`+1305${local}`))
  fc.assert(
    fc.property(number, (e164) => {
      fc.pre(e164 !== null)
      expect(phoneFromGateway(e164.slice(1))).toBe(e164)
    }),
  )
})

test('no text whatever makes the reading of numbers fail', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(normalisePhone(text) ?? '+10000000').toMatch(/^\+[1-9]\d{6,14}$/)
      expect(phoneFromGateway(text) ?? '+10000000').toMatch(/^\+[1-9]\d{6,14}$/)
    }),
  )
})

test('a North American number from the gateway is what it would be if it were read like any other', () => {
  const number = fc.integer({ min: 2_000_000_000, max: 9_999_999_999 }).map((national) => `+1${national}`)
  fc.assert(
    fc.property(number, (written) => {
      const parsed = parsePhoneNumberFromString(written, { extract: false })
      const readAsAnyOther = parsed?.isValid() ? parsed.number : written
      expect(phoneFromGateway(written.slice(1))).toBe(readAsAnyOther)
    }),
    { numRuns: 3000 },
  )
})
