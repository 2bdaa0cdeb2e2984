/**
 * What Stripe documents about currencies (https://docs.stripe.com/currencies), lower-case as its API takes them.
 * The decimals are Stripe's, not ISO 4217's: ISK and UGX have none in ISO, yet Stripe counts them in hundredths.
 */

/** Presentment currencies of a US account, and the three-decimal ones, which accounts in the Gulf states may take. */
export const SUPPORTED_CURRENCIES: ReadonlySet<string> = new Set(
  (
    'usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny ' +
    'cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk ' +
    'jmd jpy kes kgs khr kmf krw kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ' +
    'ngn nio nok npr nzd pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl ' +
    'thb tjs top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw ' +
    'bhd jod kwd omr tnd'
  ).split(' '),
)

/** The amount is the number of whole units: 500 is 500 JPY. */
export const ZERO_DECIMAL_CURRENCIES: ReadonlySet<string> = new Set(
  'bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '),
)

/** Counted in thousandths, the last digit of which must be 0: 5120 is 5.120 KWD. */
export const THREE_DECIMAL_CURRENCIES: ReadonlySet<string> = new Set('bhd jod kwd omr tnd'.split(' '))

/** Counted in hundredths although fractions cannot be charged: the amount ends in 00. */
export const WHOLE_UNIT_CURRENCIES: ReadonlySet<string> = new Set(['isk', 'ugx'])

/** The smallest charge for an account that settles in that currency, in the currency's smallest unit. */
export const MINIMUM_CHARGES: ReadonlyMap<string, number> = new Map([
  ['usd', 50],
  ['aed', 200],
  ['ars', 50],
  ['aud', 50],
  ['brl', 50],
  ['cad', 50],
  ['chf', 50],
  ['cop', 50],
  ['czk', 1500],
  ['dkk', 250],
  ['eur', 50],
  ['gbp', 30],
  ['hkd', 400],
  ['huf', 17500],
  ['idr', 50],
  ['ils', 50],
  ['inr', 50],
  ['jpy', 50],
  ['krw', 50],
  ['mxn', 1000],
  ['myr', 200],
  ['nok', 300],
  ['nzd', 50],
  ['php', 50],
  ['pln', 200],
  ['ron', 200],
  ['rub', 50],
  ['sek', 300],
  ['sgd', 50],
  ['thb', 1000],
  ['zar', 50],
])
