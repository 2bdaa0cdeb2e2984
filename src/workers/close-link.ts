import { type ClosingLink, recordClosed } from '../db/payments/links.ts'
import { keepPayments } from './backfill/sessions.ts'
import type { JobDeps } from './deps.ts'

/** Ends a payment link at Stripe, and the checkout pages open on it, and records it. May run twice. */
export async function closeLink(deps: JobDeps, link: ClosingLink): Promise<void> {
  const isKnown = await deps.stripe.closeLink(link.stripeId)
  // Links that are closed are not asked about any more: a payment of which no event ever comes is found now.
  if (isKnown && !link.isPaid) deps.metrics.recurring.found('sessions', await keepPayments(deps, deps.requestId, link))
  await recordClosed(deps.em.fork(), link.id)
}
