import type { Sizes } from '../figure.ts'
import { saturate } from '../load.ts'
import { paidEvent } from '../posts.ts'
import { heldBack } from '../queue-gate.ts'
import { type Figure, judged } from '../report.ts'
import type { Site } from '../site.ts'
import { median } from '../statistics.ts'
import { type Awaiting, stockAwaiting } from '../stock.ts'

export type RevealRates = { product: number; baseline: number }

const WITHIN_MS = 300_000
/** As many connections as a worker of the product has. */
const POOL_SIZE = '20'

/** Reveals per second of one worker: payments that are in, to SMS that the gateway accepted. */
export function revealRates(site: Site, sizes: Sizes): Promise<RevealRates> {
  return withBoth(site, 'worker-volume', () => measure(site, sizes, 'vo'))
}

/** Runs a worker of the product, and the loop written by hand. */
async function withBoth<T>(site: Site, name: string, work: () => Promise<T>): Promise<T> {
  const worker = await site.startWorker(name)
  const env = { DATABASE_URL: site.databaseUrl, REDIS_URL: site.redisUrl, GATEWAY_URL: site.gateways.url, POOL_SIZE }
  const loop = await site.startProgram('baseline/reveal-main.ts', env, 'working')
  const result = await work()
  await site.stop(loop)
  await site.stop(worker)
  return result
}

/** @param batch two lower-case letters or digits that no other call uses */
async function measure(
  site: Site,
  { rounds, reveals }: Pick<Sizes, 'rounds' | 'reveals'>,
  batch: string,
): Promise<RevealRates> {
  const product: number[] = []
  const baseline: number[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const first = await baselineRound(site, reveals)
    const second = await productRound(site, reveals, `${batch}${round}`)
    // The first round warms up.
    if (round > 0) {
      baseline.push(first)
      product.push(second)
    }
  }
  return { product: median(product), baseline: median(baseline) }
}

async function productRound(site: Site, count: number, batch: string): Promise<number> {
  const unlocks = await stockAwaiting(site.database, site.secrets.encryptionKeys, batch, count)
  const gate = { name: 'handle-payment', redisUrl: site.redisUrl, prefix: site.redisPrefix }
  return heldBack(gate, async ({ hold, release }) => {
    await hold()
    await saturate(site.apiUrl, count, (index) => paidEvent(site.secrets.stripeWebhookSecret, at(unlocks, index)))
    const before = await site.gateways.count()
    const rate = await timed(site, before, count, release)
    await checkOnce(site, before, count)
    return rate
  })
}

async function baselineRound(site: Site, count: number): Promise<number> {
  await site.database.query(
    'create table if not exists bench_reveals (id int generated always as identity primary key, status text)',
  )
  const { rows } = await site.database.query<{ id: number }>(
    `insert into bench_reveals (status) select 'paid' from generate_series(1, $1) returning id`,
    [count],
  )
  const gate = { name: 'bench-reveal', redisUrl: site.redisUrl, prefix: 'bench' }
  return heldBack(gate, async ({ queue, hold, release }) => {
    await hold()
    await queue.addBulk(rows.map(({ id }) => ({ name: 'reveal', data: { id }, opts: { removeOnComplete: true } })))
    return timed(site, await site.gateways.count(), count, release)
  })
}

async function timed(site: Site, before: number, count: number, release: () => Promise<void>): Promise<number> {
  const started = performance.timeOrigin + performance.now()
  await release()
  await site.gateways.reached(before + count, WITHIN_MS)
  const sent = await site.gateways.acceptedFrom(before)
  return (count * 1000) / ((sent.at(-1)?.at ?? Number.NaN) - started)
}

/** Each unlock's details went out, and once. */
async function checkOnce(site: Site, before: number, count: number): Promise<void> {
  const references = (await site.gateways.acceptedFrom(before)).map(({ reference }) => reference)
  if (references.length !== count || new Set(references).size !== count) {
    throw new Error(`${references.length} SMS with ${new Set(references).size} references for ${count} unlocks`)
  }
}

function at(unlocks: readonly Awaiting[], index: number): Awaiting {
  const unlock = unlocks[index]
  if (unlock === undefined) throw new RangeError(`no unlock ${index}`)
  return unlock
}

/** What TextMagic takes for an answer, about. */
const GATEWAY_MS = 300

/** The rates of the empty database, and those while gateways take as long as they do: a worker then waits most of the time. */
export async function revealFigures(site: Site, sizes: Sizes): Promise<{ rates: RevealRates; figures: Figure[] }> {
  const fewer = { rounds: Math.min(sizes.rounds, 3), reveals: Math.ceil(sizes.reveals / 4) }
  return withBoth(site, 'worker-reveals', async () => {
    const rates = await measure(site, sizes, 're')
    await site.gateways.answerAfter(GATEWAY_MS)
    const waiting = await measure(site, fewer, 'sl')
    await site.gateways.answerAfter(0)
    return {
      rates,
      figures: [
        revealFigure(rates),
        {
          figure: 'reveals while gateways take 300 ms, payment in to SMS accepted',
          value: `${waiting.product.toFixed(1)}/s`,
          against: `${waiting.baseline.toFixed(1)}/s hand-written loop`,
          ratio: waiting.product / waiting.baseline,
        },
      ],
    }
  })
}

function revealFigure({ product, baseline }: RevealRates): Figure {
  return {
    figure: 'reveals, payment in to SMS accepted',
    value: `${product.toFixed(0)}/s`,
    against: `${baseline.toFixed(0)}/s hand-written loop`,
    ...judged(product / baseline, '≥', 0.6),
  }
}
