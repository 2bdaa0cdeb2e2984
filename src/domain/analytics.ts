/**
 * What became of the leads posted in a period, and of their unlocks, up to now.
 *
 * An unlock counts once for each moment it has been through, whatever became of it since, by its timeline:
 * - teaser: `TEASER_SENT`, the gateway accepted the teaser;
 * - reply: the first row whose cause is a reply, which is a Y or N that moved the unlock. One that moved nothing, because
 *   the offer was closed, is on no timeline;
 * - link: `PAYMENT_LINK_SENT`, the gateway accepted the SMS with the link;
 * - paid: `PAID`. A refund later does not undo it; it lowers the revenue.
 */
export const MOMENTS = { teaser: 1, reply: 2, link: 4, paid: 8 } as const
type Moment = keyof typeof MOMENTS

/** What Postgres counts in a period. */
export type Counted = {
  leads: readonly { city: string; leads: number }[]
  /** Unlocks that have been through just these moments, a sum of `MOMENTS`. */
  moments: readonly { city: string; moments: number; unlocks: number }[]
  /** Kept payments, and what is left of them after refunds in part; never across currencies. */
  earned: readonly { city: string; currency: string; payments: number; keptCents: number }[]
}

export type Figures = {
  leads: number
  conversion: { teasers: number; paid: number; rate: number | null }
  replies: number
  paymentSuccess: { linksSent: number; paid: number; rate: number | null }
  /** By currency, in the order of their codes. */
  revenue: { currency: string; payments: number; keptCents: number; perLeadCents: number | null }[]
}

export type Summary = {
  totals: Figures
  /** The cities with the most teasers first. */
  byCity: ({ city: string } & Figures)[]
  /** How many cities there are, listed or not. */
  cities: number
}

/** @param most how many cities are listed */
export function summarise(counted: Counted, most: number): Summary {
  const leads = Map.groupBy(counted.leads, ({ city }) => city)
  const moments = Map.groupBy(counted.moments, ({ city }) => city)
  const earned = Map.groupBy(counted.earned, ({ city }) => city)
  const byCity = [...new Set([...leads.keys(), ...moments.keys(), ...earned.keys()])].map((city) => ({
    city,
    ...figures({ leads: leads.get(city) ?? [], moments: moments.get(city) ?? [], earned: earned.get(city) ?? [] }),
  }))
  byCity.sort((one, other) => other.conversion.teasers - one.conversion.teasers || (one.city < other.city ? -1 : 1))
  return { totals: figures(counted), byCity: byCity.slice(0, most), cities: byCity.length }
}

/**
 * Where the percentiles of a number of values stand among them: the value that at least this share does not exceed, which is
 * one of them and no mean of two.
 *
 * @returns how many values come before it: of the p50 from the smallest on, of the p90 from the largest on
 */
export function ranksOf(count: number): { p50FromSmallest: number; p90FromLargest: number } {
  // In whole numbers: 0.9 × count may lie a hair above what it is.
  return { p50FromSmallest: Math.ceil(count / 2) - 1, p90FromLargest: count - Math.ceil((count * 9) / 10) }
}

function figures(counted: Counted): Figures {
  const leads = sum(counted.leads.map((row) => row.leads))
  const through = (...moments: Moment[]) => {
    const all = moments.reduce((bits, moment) => bits | MOMENTS[moment], 0)
    return sum(counted.moments.filter((row) => (row.moments & all) === all).map(({ unlocks }) => unlocks))
  }
  return {
    leads,
    conversion: { teasers: through('teaser'), ...share(through('teaser', 'paid'), through('teaser')) },
    replies: through('reply'),
    paymentSuccess: { linksSent: through('link'), ...share(through('link', 'paid'), through('link')) },
    revenue: revenueOf(counted.earned, leads),
  }
}

function revenueOf(earned: Counted['earned'], leads: number): Figures['revenue'] {
  return [...Map.groupBy(earned, ({ currency }) => currency)]
    .map(([currency, rows]) => {
      const keptCents = sum(rows.map((row) => row.keptCents))
      const payments = sum(rows.map((row) => row.payments))
      return { currency, payments, keptCents, perLeadCents: ratio(keptCents, leads, 2) }
    })
    .sort((one, other) => (one.currency < other.currency ? -1 : 1))
}

function share(paid: number, all: number): { paid: number; rate: number | null } {
  return { paid, rate: ratio(paid, all, 4) }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}

/** @returns null where there is nothing to divide by */
function ratio(part: number, whole: number, decimals: number): number | null {
  return whole === 0 ? null : Math.round((part / whole) * 10 ** decimals) / 10 ** decimals
}
