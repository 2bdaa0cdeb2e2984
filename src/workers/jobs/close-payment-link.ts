import { LockMode } from '@mikro-orm/core'
import { PARKED_UNTIL } from '../../db/due/parking.ts'
import { PaymentLink } from '../../db/entities/index.ts'
import { openEscalation } from '../../db/escalations/escalations.ts'
import { closingLinks } from '../../db/payments/links.ts'
import { closeLink } from '../close-link.ts'
import { defineJob } from '../job.ts'
import { recordAndPublish } from '../record-and-publish.ts'

/** Ends a payment link and the checkout pages open on it, so that nobody pays for what is closed. */
export const closePaymentLink = defineJob({
  name: 'close-payment-link',

  async run(deps, { payment_link_id }) {
    for (const link of await closingLinks(deps.em, { linkId: payment_link_id })) await closeLink(deps, link)
  },

  async onFailed(deps, { payment_link_id }, code) {
    await recordAndPublish(deps, async (tx) => {
      // Locked: another worker may close it in this moment, and nobody is to be called then.
      const link = await tx.findOne(PaymentLink, { id: payment_link_id }, { lockMode: LockMode.PESSIMISTIC_WRITE })
      if (link?.status !== 'closing') return []
      link.nextAttemptAt = PARKED_UNTIL
      const summary = `Payment link ${payment_link_id} could not be closed (${code}); perhaps it was paid, or can still be.`
      const subject = `link:${payment_link_id}`
      return openEscalation(tx, { kind: 'link_not_closed', subject, unlockId: link.unlockId, summary })
    })
  },
})
