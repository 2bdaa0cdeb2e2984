import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Counted, MOMENTS, ranksOf, summarise } from '../../../src/domain/analytics.ts'

const { teaser, reply, link, paid } = MOMENTS
const NOTHING: Counted = { leads: [], moments: [], earned: [] }

describe('a summary', () => {
  it('counts an unlock once for each moment it has been through', () => {
    const moments = [
      { city: 'Miami', moments: 0, unlocks: 100 },
      { city: 'Miami', moments: teaser, unlocks: 7 },
      { city: 'Miami', moments: teaser + reply, unlocks: 5 },
      { city: 'Miami', moments: teaser + reply + link, unlocks: 3 },
      { city: 'Miami', moments: teaser + reply + link + paid, unlocks: 2 },
      { city: 'Miami', moments: teaser + reply + paid, unlocks: 1 },
      { city: 'Miami', moments: paid, unlocks: 1 },
    ]
    expect(summarise({ ...NOTHING, moments }, 10).totals).toMatchObject({
      conversion: { teasers: 18, paid: 3, rate: 0.1667 },
      replies: 11,
      paymentSuccess: { linksSent: 5, paid: 2, rate: 0.4 },
    })
  })

  it('has no rate of nothing, and a whole one of one', () => {
    const { conversion, paymentSuccess } = summarise(
      { ...NOTHING, moments: [{ city: 'Miami', moments: teaser + paid, unlocks: 1 }] },
      10,
    ).totals
    expect([conversion.rate, paymentSuccess.rate]).toEqual([1, null])
  })

  it('adds up no two currencies', () => {
    const earned = [
      { city: 'Miami', currency: 'usd', payments: 2, keptCents: 3999 },
      { city: 'Berlin', currency: 'eur', payments: 1, keptCents: 1500 },
      { city: 'Berlin', currency: 'usd', payments: 1, keptCents: 2001 },
    ]
    const { totals, byCity } = summarise({ ...NOTHING, leads: [{ city: 'Miami', leads: 7 }], earned }, 10)
    expect(totals.revenue).toEqual([
      { currency: 'eur', payments: 1, keptCents: 1500, perLeadCents: 214.29 },
      { currency: 'usd', payments: 3, keptCents: 6000, perLeadCents: 857.14 },
    ])
    expect(byCity.map(({ city, revenue }) => [city, revenue.map(({ currency }) => currency)])).toEqual([
      ['Berlin', ['eur', 'usd']],
      ['Miami', ['usd']],
    ])
  })

  it('lists the cities with the most teasers, and counts all in the totals', () => {
    const moments = ['C', 'A', 'B', 'D'].map((city, index) => ({
      city,
      moments: teaser,
      unlocks: index < 2 ? 5 : index,
    }))
    const { totals, byCity, cities } = summarise({ ...NOTHING, moments }, 3)
    expect(byCity.map(({ city }) => city)).toEqual(['A', 'C', 'D'])
    expect([cities, totals.conversion.teasers]).toEqual([4, 15])
  })
})

it.each([
  [1, 0, 0],
  [2, 0, 0],
  [3, 1, 0],
  [9, 4, 0],
  [10, 4, 1],
  [11, 5, 1],
  [20, 9, 2],
  [70, 34, 7],
])('of %i values the p50 has %i before it, and the p90 %i after it', (count, before, after) => {
  expect(ranksOf(count)).toEqual({ p50FromSmallest: before, p90FromLargest: after })
})

it('a percentile is the smallest value that at least its share does not exceed', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 200 }), (values) => {
      const sorted = values.toSorted((one, other) => one - other)
      const smallest = (tenths: number) =>
        sorted.find((value) => sorted.filter((other) => other <= value).length * 10 >= tenths * sorted.length)
      const { p50FromSmallest, p90FromLargest } = ranksOf(values.length)
      expect(sorted[p50FromSmallest]).toBe(smallest(5))
      expect(sorted.toReversed()[p90FromLargest]).toBe(smallest(9))
    }),
  )
})
