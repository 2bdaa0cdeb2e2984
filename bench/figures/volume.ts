import type { Sizes } from '../figure.ts'
import { type Figure, judged } from '../report.ts'
import type { Site } from '../site.ts'
import { type RevealRates, revealRates } from './reveals.ts'
import { type WebhookRates, webhookRates } from './webhooks.ts'

const UNLOCKS_PER_LEAD = 3
const PROVIDERS = 1000

/** The rates of the empty database, taken again on a full one. */
export async function volumeFigures(
  site: Site,
  sizes: Sizes,
  before: { webhooks: WebhookRates; reveals: RevealRates },
): Promise<Figure[]> {
  await fill(site, sizes.storedLeads)
  const webhooks = await webhookRates(site, sizes)
  const reveals = await revealRates(site, sizes, 'vo')
  const full = `${sizes.storedLeads} leads stored`
  // Each as its share of the baseline of its own moment: the machine may be slower now, the product must not.
  const line = (what: string, now: number, then: number): Figure => ({
    figure: `${what}, ${full}`,
    value: `${now.toFixed(2)} of the baseline`,
    against: `${then.toFixed(2)}, empty`,
    ...judged(now / then, '≥', 0.9),
  })
  const share = (rates: WebhookRates, source: 'textmagic' | 'stripe') => rates[source] / rates.baseline
  return [
    line('webhooks, TextMagic', share(webhooks, 'textmagic'), share(before.webhooks, 'textmagic')),
    line('webhooks, Stripe', share(webhooks, 'stripe'), share(before.webhooks, 'stripe')),
    line('reveals', reveals.product / reveals.baseline, before.reveals.product / before.reveals.baseline),
  ]
}

/** Leads of the past with their unlocks, most of them closed, with their timelines, texts and payments. */
async function fill(site: Site, leads: number): Promise<void> {
  for (const statement of FILL) await site.database.query(statement, statement.includes('$1') ? [leads] : [])
  await site.database.query('analyze')
}

const FILL = [
  `insert into providers (id, name, phone)
   select 'past' || n, 'Amy', '+1999' || lpad(n::text, 7, '0') from generate_series(1, ${PROVIDERS}) n
   on conflict do nothing`,
  `insert into leads (id, city, service_type, client_name, client_phone, created_at)
   select 'lead_p' || lpad(to_hex(n), 7, '0'), 'city' || n % 200, '60 min', 'sealed', 'sealed',
     now() - n * interval '30 seconds' from generate_series(1, $1::int) n`,
  `insert into lead_unlocks (lead_id, provider_id, status, closed_reason, price_cents, currency, ttl_expires_at,
     teaser_sent_at, paid_at, unlocked_at, created_at, next_attempt_at)
   select 'lead_p' || lpad(to_hex(n), 7, '0'), 'past' || 1 + (n * 7 + k * 311) % ${PROVIDERS},
     case when paid then 'DONE' else 'EXPIRED' end, case when paid then null else 'ttl' end, 2000, 'usd',
     at + interval '1 day', at, case when paid then at + interval '1 hour' end,
     case when paid then at + interval '1 hour' end, at, at
   from generate_series(1, $1::int) n, generate_series(1, ${UNLOCKS_PER_LEAD}) k,
     lateral (select now() - n * interval '30 seconds' - interval '2 days' as at, (n + k) % 5 = 0 as paid) past`,
  `insert into unlock_events (unlock_id, from_status, to_status, cause, at)
   select id, step.from_status, step.to_status, 'past', created_at
   from lead_unlocks, (values ('NEW_LEAD', 'TEASER_SENT'), ('TEASER_SENT', 'AWAIT_CONFIRM')) step(from_status, to_status)
   where provider_id like 'past%'`,
  `insert into outbound_messages (purpose, dedupe_key, unlock_id, provider_id, phone, body, status, accepted_at, final_at,
     next_attempt_at)
   select 'teaser', 'past:teaser:' || id, id, provider_id, '+19990000000', 'past', 'delivered', created_at, created_at,
     created_at from lead_unlocks where provider_id like 'past%'`,
  `insert into payments (unlock_id, checkout_session_id, payment_intent_id, amount_cents, currency, status)
   select id, 'cs_past_' || id, 'pi_past_' || id, 2000, 'usd', 'kept' from lead_unlocks
   where provider_id like 'past%' and status = 'DONE'`,
]
