import { unpaidLink } from '../db/backfill.ts'
import type { PaymentLink } from '../db/entities/index.ts'
import { recordClosed } from '../db/links.ts'
import { keepPayments } from './backfill/sessions.ts'
import type { JobDeps } from './deps.ts'

/** Ends a payment link at Stripe, and the checkout pages open on it, and records it. May run twice. */
export async function closeLink(deps: JobDeps, link: PaymentLink): Promise<void> {
  // Links that are closed are not asked about any more: a payment of which no event ever comes is found now.
  if (await deps.stripe.closeLink(link.stripeId)) await askOnceMore(deps, link)
  await recordClosed(deps.em.fork(), link.id)
}

async function askOnceMore(deps: JobDeps, link: PaymentLink): Promise<void> {
  const unpaid = await unpaidLink(deps.em.fork(), link)
  if (unpaid !== null) deps.metrics.recurring.found('sessions', await keepPayments(deps, deps.requestId, unpaid))
}
