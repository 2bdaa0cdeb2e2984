import {
  MINIMUM_CHARGES,
  SUPPORTED_CURRENCIES,
  THREE_DECIMAL_CURRENCIES,
  WHOLE_UNIT_CURRENCIES,
  ZERO_DECIMAL_CURRENCIES,
} from './currencies.ts'

/** Eight digits: the most Stripe takes as an amount, whatever the currency and the payment method. */
export const MAXIMUM_CHARGE = 99_999_999

/**
 * The currencies shown by a sign: it means this currency before any other, and is part of GSM-7. A `$` for Canadian
 * dollars would mislead, and a rupee sign would double the price of the SMS.
 */
const SIGNS: ReadonlyMap<string, string> = new Map([
  ['usd', '$'],
  ['eur', '€'],
  ['gbp', '£'],
  ['jpy', '¥'],
])

/** What is wrong with a price: which field of the request, and why, in words for the person who sent it. */
export type PriceProblem = { field: 'price_cents' | 'currency'; message: string }

/** Whether Stripe takes this currency. Stripe's codes are lower-case; so `USD` is not supported, `usd` is. */
export function isSupportedCurrency(currency: string): boolean {
  return SUPPORTED_CURRENCIES.has(currency)
}

/**
 * The smallest amount that can be charged, in the currency's smallest unit. Stripe's rule is about the currency the
 * account settles in, after conversion: where it documents no minimum, Stripe itself has the last word.
 */
export function minimumCharge(currency: string): number {
  return MINIMUM_CHARGES.get(currency) ?? amountStep(currency)
}

/**
 * Checks a price against what Stripe takes, so that an impossible one is refused when the lead is posted and not when
 * a provider wants to pay.
 * @param cents the amount in the currency's smallest unit as Stripe counts it (yen, cents, thousandths of a dinar).
 * @param currency Stripe's lower-case code.
 * @returns the first problem found; null when there is none.
 */
export function validatePrice(cents: number, currency: string): PriceProblem | null {
  if (!isSupportedCurrency(currency)) {
    return { field: 'currency', message: 'must be a lower-case currency code that Stripe takes, such as usd' }
  }
  const step = amountStep(currency)
  const minimum = minimumCharge(currency)
  if (cents < minimum) return priceProblem(`must be at least ${minimum} (${formatPrice(minimum, currency)})`)
  if (cents > MAXIMUM_CHARGE) return priceProblem(`must be at most ${MAXIMUM_CHARGE}`)
  if (cents % step !== 0) return priceProblem(`must be a multiple of ${step} in ${currency}`)
  return null
}

/**
 * Writes an amount the way texts show it: `$20`, `$12.50`, `€20`, `¥500`, `20 CHF`, `5.120 KWD`. Decimals only when
 * there are any, and no thousands separator, which half the world reads as a decimal one.
 * @param cents the amount in the currency's smallest unit, zero or more.
 * @param currency the code in any case; one that Stripe does not know is taken to have two decimals, like most.
 * @throws RangeError when the amount is not a whole number or is negative.
 */
export function formatPrice(cents: number, currency: string): string {
  if (!Number.isSafeInteger(cents) || cents < 0) throw new RangeError('an amount of money is a whole number, 0 or more')
  const code = currency.toLowerCase()
  const decimals = decimalsOf(code)
  const whole = Math.floor(cents / 10 ** decimals)
  const fraction = cents % 10 ** decimals
  const amount = fraction === 0 ? `${whole}` : `${whole}.${String(fraction).padStart(decimals, '0')}`
  const sign = SIGNS.get(code)
  return sign === undefined ? `${amount} ${code.toUpperCase()}` : `${sign}${amount}`
}

/**
 * Writes an amount as a plain decimal number for other programs: `20.00`, `500` (yen), `5.120` (dinar).
 * @param cents the amount in the currency's smallest unit, zero or more.
 */
export function decimalAmount(cents: number, currency: string): string {
  const decimals = decimalsOf(currency.toLowerCase())
  const digits = String(cents).padStart(decimals + 1, '0')
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`
}

function priceProblem(message: string): PriceProblem {
  return { field: 'price_cents', message }
}

function decimalsOf(currency: string): number {
  if (ZERO_DECIMAL_CURRENCIES.has(currency)) return 0
  return THREE_DECIMAL_CURRENCIES.has(currency) ? 3 : 2
}

/** Amounts come in multiples of this many of the smallest unit. */
function amountStep(currency: string): number {
  if (WHOLE_UNIT_CURRENCIES.has(currency)) return 100
  return THREE_DECIMAL_CURRENCIES.has(currency) ? 10 : 1
}
