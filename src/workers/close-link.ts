import { PaymentLink } from '../db/entities/index.ts'
import { resolveEscalations } from '../db/escalations.ts'
import { inTransaction } from '../db/orm.ts'
import { databaseNow } from '../db/subscriptions.ts'
import type { JobDeps } from './deps.ts'

/** Ends a payment link at Stripe, and the checkout pages open on it, and records it. May run twice. */
export async function closeLink(deps: JobDeps, link: PaymentLink): Promise<void> {
  await deps.stripe.closeLink(link.stripeId)
  await inTransaction(deps.em, async (tx) => {
    const row = await tx.findOneOrFail(PaymentLink, { id: link.id })
    row.status = 'closed'
    row.closedAt ??= await databaseNow(tx)
    await resolveEscalations(tx, ['link_not_closed'], `link:${link.id}`, 'link closed')
  })
}
