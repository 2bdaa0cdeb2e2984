import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SUPPORTED_CURRENCIES } from '../../../src/domain/currencies.ts'
import {
  decimalAmount,
  formatPrice,
  isSupportedCurrency,
  MAXIMUM_CHARGE,
  minimumCharge,
  validatePrice,
} from '../../../src/domain/money.ts'
import { smsEncoding } from '../../../src/domain/sms-encoding.ts'

test.each([
  [2000, 'usd', '$20'],
  [1250, 'usd', '$12.50'],
  [2000, 'USD', '$20'],
  [2000, 'eur', '€20'],
  [999, 'gbp', '£9.99'],
  [500, 'jpy', '¥500'],
  [50, 'usd', '$0.50'],
  [5, 'usd', '$0.05'],
  [0, 'usd', '$0'],
  [125000, 'usd', '$1250'],
  [99_999_999, 'usd', '$999999.99'],
  [2000, 'chf', '20 CHF'],
  [2000, 'cad', '20 CAD'],
  [2050, 'inr', '20.50 INR'],
  [5000, 'krw', '5000 KRW'],
  [5120, 'kwd', '5.120 KWD'],
  [5000, 'kwd', '5 KWD'],
  [500, 'isk', '5 ISK'],
  [500, 'ugx', '5 UGX'],
  [2000, 'zzz', '20 ZZZ'],
])('%i in %s is shown as %s', (cents, currency, shown) => {
  expect(formatPrice(cents, currency)).toBe(shown)
})

test.each([0.1, Number.NaN, Number.POSITIVE_INFINITY, -1])('%d is no amount of money', (cents) => {
  expect(() => formatPrice(cents, 'usd')).toThrow(RangeError)
})

test('no price makes a text leave GSM-7', () => {
  for (const currency of SUPPORTED_CURRENCIES) {
    expect(smsEncoding(formatPrice(123_450, currency)).encoding).toBe('gsm7')
  }
})

test('a shown price is read back as the same amount', () => {
  const decimals: Record<string, number> = { usd: 2, jpy: 0, kwd: 3, isk: 2, chf: 2 }
  fc.assert(
    fc.property(fc.nat(MAXIMUM_CHARGE), fc.constantFrom(...Object.keys(decimals)), (cents, currency) => {
      const digits = formatPrice(cents, currency).replace(/[^\d.]/g, '')
      expect(Math.round(Number(digits) * 10 ** (decimals[currency] ?? 2))).toBe(cents)
    }),
  )
})

test('currencies are the ones Stripe takes, in lower case', () => {
  for (const currency of ['usd', 'eur', 'gbp', 'jpy', 'chf', 'kwd', 'isk', 'xcg']) {
    expect(isSupportedCurrency(currency)).toBe(true)
  }
  for (const currency of ['USD', 'zzz', 'btc', 'hrk', '', ' usd', 'us'])
    expect(isSupportedCurrency(currency)).toBe(false)
  for (const currency of SUPPORTED_CURRENCIES) expect(currency).toMatch(/^[a-z]{3}$/)
})

test.each([
  ['usd', 50],
  ['gbp', 30],
  ['huf', 17500],
  ['jpy', 50],
  ['twd', 1],
  ['kwd', 10],
  ['isk', 100],
])('the smallest charge in %s is %i', (currency, minimum) => {
  expect(minimumCharge(currency)).toBe(minimum)
  expect(validatePrice(minimum, currency)).toBeNull()
  expect(validatePrice(minimum - 1, currency)).toMatchObject({ field: 'price_cents' })
})

test.each([
  [2000, 'usd', null],
  [MAXIMUM_CHARGE, 'usd', null],
  [2000, 'USD', 'currency'],
  [2000, 'xxx', 'currency'],
  [49, 'usd', 'price_cents'],
  [0, 'usd', 'price_cents'],
  [-2000, 'usd', 'price_cents'],
  [2000.5, 'usd', 'price_cents'],
  [Number.NaN, 'usd', 'price_cents'],
  [MAXIMUM_CHARGE + 1, 'usd', 'price_cents'],
  [5125, 'kwd', 'price_cents'],
  [550, 'isk', 'price_cents'],
  [550, 'ugx', 'price_cents'],
])('a price of %d %s: the problem is in %s', (cents, currency, field) => {
  expect(validatePrice(cents, currency)?.field ?? null).toBe(field)
})

test('the message about a price names the limit', () => {
  expect(validatePrice(10, 'usd')?.message).toBe('must be at least 50 ($0.50)')
})

test.each([
  [2000, 'usd', '20.00'],
  [5, 'USD', '0.05'],
  [0, 'eur', '0.00'],
  [99_999_999, 'usd', '999999.99'],
  [500, 'JPY', '500'],
  [0, 'jpy', '0'],
  [5120, 'kwd', '5.120'],
  [70, 'kwd', '0.070'],
  [1200, 'xxx', '12.00'],
])('%d cents of %s are %s for other programs', (cents, currency, text) => {
  expect(decimalAmount(cents, currency)).toBe(text)
})
