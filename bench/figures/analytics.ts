import type { Sizes } from '../figure.ts'
import { SECONDS_APART, storePast, UNLOCKS_PER_LEAD } from '../past.ts'
import type { Figure } from '../report.ts'
import type { Site } from '../site.ts'
import { percentile } from '../statistics.ts'

const REACH_MS = 500
const WARM_UP = 2
const MOST_CALLS = 20

/** How long GET /api/analytics takes over everything there is, and over a part of it. @throws {Error} when it counts wrong */
export async function analyticsFigures(site: Site, sizes: Sizes): Promise<Figure[]> {
  await storePast(site.database, sizes.analysedLeads)
  const unlocks = sizes.analysedLeads * UNLOCKS_PER_LEAD
  const third = (sizes.analysedLeads * SECONDS_APART * 1000) / 3
  const [from, to] = [Date.now() - 2 * third, Date.now() - third].map((at) => new Date(at).toISOString())
  const calls = Math.min(sizes.singles, MOST_CALLS)
  // The stories told before are counted as well.
  const all = await timesOf(site, '', calls, (teasers) => teasers >= unlocks)
  const part = await timesOf(site, `?from=${from}&to=${to}`, calls, (teasers) => teasers > 0 && teasers < unlocks)
  return [
    line(`analytics over ${unlocks} unlocks`, all),
    line(`analytics over a third of the time of ${unlocks} unlocks`, part),
  ]
}

function line(figure: string, times: readonly number[]): Figure {
  const [p50, slowest] = [percentile(times, 0.5), percentile(times, 1)]
  return {
    figure,
    value: `p50 ${p50.toFixed(0)} ms, slowest ${slowest.toFixed(0)} ms`,
    reach: `p50 ≤ ${REACH_MS} ms`,
    reached: p50 <= REACH_MS,
  }
}

async function timesOf(
  site: Site,
  query: string,
  calls: number,
  isRight: (teasers: number) => boolean,
): Promise<number[]> {
  const times: number[] = []
  for (let call = 0; call < WARM_UP + calls; call += 1) {
    const started = performance.now()
    const response = await fetch(`${site.apiUrl}/api/analytics${query}`, {
      headers: { authorization: `Bearer ${site.secrets.adminApiKey}` },
    })
    const text = await response.text()
    times.push(performance.now() - started)
    if (response.status !== 200) throw new Error(`analytics answered ${response.status}: ${text}`)
    const { totals } = JSON.parse(text)
    if (!isRight(totals.conversion.teasers)) throw new Error(`analytics counted ${totals.conversion.teasers} teasers`)
  }
  return times.slice(WARM_UP)
}
