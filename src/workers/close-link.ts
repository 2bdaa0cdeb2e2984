import type { PaymentLink } from '../db/entities/index.ts'
import { recordClosed } from '../db/links.ts'
import type { JobDeps } from './deps.ts'

/** Ends a payment link at Stripe, and the checkout pages open on it, and records it. May run twice. */
export async function closeLink(deps: JobDeps, link: PaymentLink): Promise<void> {
  await deps.stripe.closeLink(link.stripeId)
  await recordClosed(deps.em.fork(), link.id)
}
