import type { Sizes } from '../figure.ts'
import { storePast } from '../past.ts'
import { type Figure, judged } from '../report.ts'
import type { Site } from '../site.ts'
import { type RevealRates, revealRates } from './reveals.ts'
import { type WebhookRates, webhookRates } from './webhooks.ts'

/** The rates of the empty database, taken again on a full one. */
export async function volumeFigures(
  site: Site,
  sizes: Sizes,
  before: { webhooks: WebhookRates; reveals: RevealRates },
): Promise<Figure[]> {
  await storePast(site.database, sizes.storedLeads)
  const webhooks = await webhookRates(site, sizes)
  const reveals = await revealRates(site, sizes)
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
