import { freePort } from '../../src/sandbox/embedded/free-port.ts'
import type { Sizes } from '../figure.ts'
import { type Post, saturate } from '../load.ts'
import { inboundSms, stripeEvent } from '../posts.ts'
import { type Figure, judged } from '../report.ts'
import type { Site } from '../site.ts'
import { median } from '../statistics.ts'

export type WebhookRates = Record<'textmagic' | 'stripe' | 'baseline', number>

/** The number of the only provider who texts. */
const SENDER = '12125550161'

/** Webhooks answered per second, each source in turn with the bare route, so that all meet the same machine. */
export async function webhookRates(site: Site, sizes: Sizes): Promise<WebhookRates> {
  await site.database.query(
    `insert into providers (id, name, phone) values ('provider1', 'Amy', $1) on conflict (id) do nothing`,
    [`+${SENDER}`],
  )
  const port = await freePort()
  const env = { DATABASE_URL: site.databaseUrl, REDIS_URL: site.redisUrl, PORT: String(port) }
  const bare = await site.startProgram('baseline/webhook-main.ts', env, 'listening')
  const sms = (): Post => inboundSms(site.secrets.textmagicWebhookToken, SENDER, 'a question about tomorrow')
  const event = (): Post => stripeEvent(site.secrets.stripeWebhookSecret, 'customer.created', { id: 'cus_1' })
  const contenders = {
    baseline: { url: `http://127.0.0.1:${port}`, make: () => ({ ...event(), path: '/webhook' }) },
    textmagic: { url: site.apiUrl, make: sms },
    stripe: { url: site.apiUrl, make: event },
  }
  const names = ['baseline', 'textmagic', 'stripe'] as const
  const rates: Record<(typeof names)[number], number[]> = { baseline: [], textmagic: [], stripe: [] }
  for (let round = 0; round <= sizes.rounds; round += 1) {
    for (const name of names) {
      const { elapsedMs } = await saturate(contenders[name].url, sizes.webhooks, contenders[name].make)
      // The first round warms up.
      if (round > 0) rates[name].push((sizes.webhooks * 1000) / elapsedMs)
    }
  }
  await site.stop(bare)
  await checkStored(site, sizes.webhooks * (sizes.rounds + 1) * 2)
  return { baseline: median(rates.baseline), textmagic: median(rates.textmagic), stripe: median(rates.stripe) }
}

async function checkStored(site: Site, atLeast: number): Promise<void> {
  const { rows } = await site.database.query<{ count: number }>('select count(*)::int as count from webhook_inbox')
  const count = rows[0]?.count ?? 0
  if (count < atLeast) throw new Error(`${count} of ${atLeast} webhooks that were answered 200 are stored`)
}

export function webhookFigures({ baseline, textmagic, stripe }: WebhookRates): Figure[] {
  const against = `${baseline.toFixed(0)}/s bare route`
  return [
    {
      figure: 'webhooks answered, TextMagic',
      value: `${textmagic.toFixed(0)}/s`,
      against,
      ...judged(textmagic / baseline, '≥', 0.75),
    },
    {
      figure: 'webhooks answered, Stripe',
      value: `${stripe.toFixed(0)}/s`,
      against,
      ...judged(stripe / baseline, '≥', 0.75),
    },
  ]
}
