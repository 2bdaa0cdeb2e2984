import type { Product } from './product.ts'
import { newProvider } from './provider.ts'
import { settled } from './settled.ts'
import { until } from './until.ts'

/** What tests of money that goes back ask and do. */
export function refundsOf(product: () => Product) {
  const paymentsOf = async (unlockId: number): Promise<string[]> =>
    (await product().unlock(unlockId)).payments.map(({ status }: { status: string }) => status)
  /** Not by the database's clock, which other tests move and Stripe's, in whole seconds, does not follow. */
  async function passTtl(unlockId: number, secondsAgo: number): Promise<void> {
    const sql = 'update lead_unlocks set ttl_expires_at = now() - make_interval(secs => ?) where id = ?'
    await product().rows(sql, [secondsAgo, unlockId])
  }
  return {
    paymentsOf,
    passTtl,
    /** Pays after the TTL, which with LATE_PAYMENT=refund is given back. */
    async payLate() {
      const dana = await newProvider(product())
      const { unlockId, url } = await dana.hasLink()
      await passTtl(unlockId, 5)
      await product().reaches(unlockId, 'EXPIRED')
      await settled(product())
      const { paymentIntent } = await product().stripe.payLink(url, { force: true })
      return { dana, unlockId, intentId: paymentIntent.id }
    },
    /** Waits until the payments of an unlock have these states. */
    becomes: (unlockId: number, ...statuses: string[]) =>
      until(
        `payments of unlock ${unlockId} to be ${statuses}`,
        async () => JSON.stringify(await paymentsOf(unlockId)) === JSON.stringify(statuses),
        async () => JSON.stringify(await product().unlock(unlockId)),
      ),
    /** What Stripe says of the refund of this unlock that is on its way. */
    async settleRefundOf(unlockId: number, outcome: 'succeeded' | 'failed'): Promise<void> {
      const intents = (await product().unlock(unlockId)).payments.map(
        ({ payment_intent_id }: { payment_intent_id: string }) => payment_intent_id,
      )
      const pending = product()
        .stripe.refunds()
        .find(({ status, payment_intent }) => status === 'pending' && intents.includes(payment_intent))
      await product().stripe.settleRefund(pending?.id ?? '', outcome)
    },
    /** The newest event of a type is told us. @returns its row in the inbox */
    async arrives(type: string): Promise<number> {
      const { stripe, rows } = product()
      const id = stripe.events().findLast(({ event }) => event.type === type)?.id
      await stripe.resendEvent(id ?? '')
      const [row] = await rows<{ id: string }>('select id from webhook_inbox where external_id = ?', [id])
      return Number(row?.id)
    },
  }
}
