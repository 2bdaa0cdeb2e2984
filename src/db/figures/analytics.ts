import { type Counted, type Figures, ranksOf, type Summary, summarise } from '../../domain/analytics.ts'
import { type EntityManager, inTransaction } from '../postgres/orm.ts'

/** When leads were posted: from inclusive, to exclusive; null for no bound. */
export type Period = { from: Date | null; to: Date | null }

/** Milliseconds from teaser to reply; null without a reply. */
export type ResponseTimes = { p50: number | null; p90: number | null }

export type Analytics = {
  totals: Figures & ResponseTimes
  byCity: ({ city: string } & Figures & ResponseTimes)[]
  cities: number
}

type Bounds = readonly [from: Date | string, to: Date | string]

/**
 * What became of the leads posted in a period, all of it as of one moment.
 *
 * @param mostCities how many cities are listed
 */
export function analysePeriod(em: EntityManager, { from, to }: Period, mostCities: number): Promise<Analytics> {
  const bounds: Bounds = [from ?? '-infinity', to ?? 'infinity']
  return inTransaction(em, async (tx) => {
    await tx.execute('set transaction isolation level repeatable read, read only')
    // Compiling a query takes longer than running it, and so does starting processes that share it, but for the longest.
    await tx.execute('set local jit = off; set local parallel_setup_cost = 10000')
    const { totals, byCity, cities } = summarise(await count(tx, bounds), mostCities)
    return {
      totals: { ...totals, ...(await overallTimes(tx, bounds, totals.replies)) },
      byCity: await withTimes(tx, bounds, byCity),
      cities,
    }
  })
}

async function count(tx: EntityManager, bounds: Bounds): Promise<Counted> {
  const leads = await tx.execute<Counted['leads'][number][]>(
    'select city, count(*)::int as leads from leads where created_at >= ? and created_at < ? group by city',
    [...bounds],
  )
  const moments = await tx.execute<Counted['moments'][number][]>(
    `select city, moments, count(*)::int as unlocks from unlock_facts
     where posted_at >= ? and posted_at < ? group by city, moments`,
    [...bounds],
  )
  // What a lost dispute took is not kept.
  const earned = await tx.execute<{ city: string; currency: string; payments: number; kept: string }[]>(
    `select lead_city as city, currency, count(*)::int as payments, sum(amount_cents - refunded_cents) as kept
     from payments where status = 'kept' and dispute_status is distinct from 'closed: lost'
       and lead_posted_at >= ? and lead_posted_at < ?
     group by lead_city, currency`,
    [...bounds],
  )
  return { leads, moments, earned: earned.map(({ kept, ...row }) => ({ ...row, keptCents: Number(kept) })) }
}

type TimesRow = { p50: string | null; p90: string | null }

/** The two values at their ranks, read off an index that holds them in order: nothing is sorted. */
const AT_RANKS = (among: string) => `
  (select response_ms from unlock_facts where ${among} order by response_ms offset p50_from_smallest limit 1) as p50,
  (select response_ms from unlock_facts where ${among} order by response_ms desc offset p90_from_largest limit 1) as p90`

const IN_PERIOD = 'response_ms is not null and posted_at >= ? and posted_at < ?'

async function overallTimes(tx: EntityManager, bounds: Bounds, replies: number): Promise<ResponseTimes> {
  if (replies === 0) return { p50: null, p90: null }
  const { p50FromSmallest, p90FromLargest } = ranksOf(replies)
  const [row] = await tx.execute<TimesRow[]>(
    `select ${AT_RANKS(IN_PERIOD)} from (select ?::int as p50_from_smallest, ?::int as p90_from_largest) ranks`,
    [...bounds, ...bounds, p50FromSmallest, p90FromLargest],
  )
  return timesOf(row)
}

async function withTimes(
  tx: EntityManager,
  bounds: Bounds,
  cities: Summary['byCity'],
): Promise<({ city: string } & Figures & ResponseTimes)[]> {
  const ranks = cities
    .filter(({ replies }) => replies > 0)
    .map(({ city, replies }) => {
      const { p50FromSmallest, p90FromLargest } = ranksOf(replies)
      return { name: city, p50_from_smallest: p50FromSmallest, p90_from_largest: p90FromLargest }
    })
  const rows = await tx.execute<({ name: string } & TimesRow)[]>(
    `select name, ${AT_RANKS(`city = name and ${IN_PERIOD}`)}
     from json_to_recordset(?::json) as ranks(name text, p50_from_smallest int, p90_from_largest int)`,
    [...bounds, ...bounds, JSON.stringify(ranks)],
  )
  const times = new Map(rows.map((row) => [row.name, timesOf(row)]))
  return cities.map((city) => ({ ...city, ...(times.get(city.city) ?? timesOf(undefined)) }))
}

function timesOf(row: TimesRow | undefined): ResponseTimes {
  const milliseconds = (value: string | null | undefined) => (value == null ? null : Number(value))
  return { p50: milliseconds(row?.p50), p90: milliseconds(row?.p90) }
}
