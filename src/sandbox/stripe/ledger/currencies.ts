/*
 * https://docs.stripe.com/currencies: presentment currencies, those without or with three decimals, what amounts are
 * multiples of, and the smallest charge in each, in its minor unit. Where Stripe gives no minimum the settlement minimum
 * applies, which the emulator does not know. Kept apart from the product's own table on purpose, as its letters of SMS are.
 */

const supported = new Set(
  `usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny
  cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod
  jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio
  nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd
  top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw`.split(/\s+/),
)
const withoutDecimals = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '))
const withThreeDecimals = new Set('bhd jod kwd omr tnd'.split(' '))
/** Written with two decimals that are always 00. */
const ofWholeUnits = new Set(['isk', 'ugx'])
const minimum: Record<string, number> = {
  ...{ usd: 50, aed: 200, aud: 50, bgn: 100, brl: 50, cad: 50, chf: 50, czk: 1500, dkk: 250, eur: 50, gbp: 30 },
  ...{ hkd: 400, huf: 17500, inr: 50, jpy: 50, mxn: 1000, myr: 200, nok: 300, nzd: 50, pln: 200, ron: 200, sek: 300 },
  ...{ sgd: 50, thb: 1000 },
}

export function isSupportedCurrency(currency: string): boolean {
  return supported.has(currency)
}

/** Smallest amount Stripe charges, in minor units. */
export function minimumCharge(currency: string): number {
  return minimum[currency] ?? amountStep(currency)
}

/** What Stripe wants an amount to be a multiple of, in minor units: whole krónur, and no third decimal but 0. */
export function amountStep(currency: string): number {
  if (ofWholeUnits.has(currency)) return 100
  return withThreeDecimals.has(currency) ? 10 : 1
}

/** An amount in minor units as a person reads it, e.g. `$20.00`, `¥2,000`. */
export function formatMoney(amount: number, currency: string): string {
  const digits = withoutDecimals.has(currency) ? 0 : withThreeDecimals.has(currency) ? 3 : 2
  return new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(amount / 10 ** digits)
}
