import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { newProvider } from '../support/provider.ts'
import { refundsOf } from '../support/refunds.ts'
import { settled } from '../support/settled.ts'
import { calm, escalated, escalationsOf, openKinds } from '../support/steering.ts'
import { until } from '../support/until.ts'

let product: Product

beforeAll(async () => {
  product = await startProduct()
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

const { arrives, becomes } = refundsOf(() => product)

describe('a dispute', () => {
  async function paid() {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    const intentId: string = (await product.unlock(unlockId)).payments[0].payment_intent_id
    return { unlockId, intentId }
  }
  const disputesCalled = async (unlockId: number): Promise<string[]> =>
    (await escalationsOf(product, unlockId))
      .filter(({ kind, open }) => kind === 'dispute' && open)
      .map(({ subject }) => subject)
  async function resolveAll(unlockId: number) {
    const sql = 'select id from escalations where unlock_id = ?'
    for (const { id } of await product.rows<{ id: number }>(sql, [unlockId]))
      await product.api('POST', `/api/escalations/${id}/resolve`, { note: 'answered' })
  }
  const statusOfDispute = async (unlockId: number) => (await product.unlock(unlockId)).payments[0].dispute_status

  it('calls a person, and is resolved when it is closed', async () => {
    const { unlockId, intentId } = await paid()
    await product.stripe.dispute(intentId)
    await escalated(product, unlockId, 'dispute')
    await product.stripe.closeDispute(intentId, 'won')
    await escalated(product, unlockId, 'dispute', false)
    expect(await product.statusOf(unlockId)).toBe('DONE')
  })

  it('of a payment that was disputed before calls a person again', async () => {
    const { unlockId, intentId } = await paid()
    const first = await product.stripe.dispute(intentId)
    await escalated(product, unlockId, 'dispute')
    await product.stripe.closeDispute(first.id, 'won')
    await escalated(product, unlockId, 'dispute', false)
    await product.stripe.dispute(intentId)
    await settled(product)
    expect(await openKinds(product, unlockId)).toEqual(['dispute'])
    expect(await statusOfDispute(unlockId)).toBe('needs_response')
  })

  it('of a payment with another that is open calls a person too, until it is closed itself', async () => {
    const { unlockId, intentId } = await paid()
    const first = await product.stripe.dispute(intentId)
    await escalated(product, unlockId, 'dispute')
    const second = await product.stripe.dispute(intentId)
    await settled(product)
    expect(await disputesCalled(unlockId)).toEqual([`dispute:${first.id}`, `dispute:${second.id}`])
    await product.stripe.closeDispute(first.id, 'won')
    await settled(product)
    expect(await disputesCalled(unlockId)).toEqual([`dispute:${second.id}`])
    expect(await statusOfDispute(unlockId)).toBe('needs_response')
    await product.stripe.closeDispute(second.id, 'won')
    await settled(product)
    expect(await disputesCalled(unlockId)).toEqual([])
    expect(await statusOfDispute(unlockId)).toBe('closed: won')
  })

  it.each([
    { answer: 'resolved', resolve: resolveAll },
    { answer: 'left open', resolve: async () => undefined },
  ])('that was an inquiry, $answer, calls a person again once it takes the money', async ({ resolve }) => {
    const { unlockId, intentId } = await paid()
    const { id } = await product.stripe.inquire(intentId)
    await escalated(product, unlockId, 'dispute')
    await resolve(unlockId)
    await product.stripe.escalateInquiry(id)
    await settled(product)
    expect((await escalationsOf(product, unlockId)).map(({ open }) => open)).toEqual([false, true])
    expect(await disputesCalled(unlockId)).toEqual([`dispute:${id}`])
    expect(await statusOfDispute(unlockId)).toBe('needs_response')
    await product.stripe.closeDispute(id, 'lost')
    await settled(product)
    expect(await disputesCalled(unlockId)).toEqual([])
    expect(await statusOfDispute(unlockId)).toBe('closed: lost')
  })

  it('that was lost took the money, whatever becomes of another', async () => {
    const { unlockId, intentId } = await paid()
    await product.stripe.closeDispute((await product.stripe.dispute(intentId)).id, 'lost')
    await settled(product)
    const second = await product.stripe.dispute(intentId)
    await settled(product)
    expect(await statusOfDispute(unlockId)).toBe('closed: lost')
    await product.stripe.closeDispute(second.id, 'won')
    await settled(product)
    expect(await statusOfDispute(unlockId)).toBe('closed: lost')
  })

  describe('of money that was to go back, which Stripe refuses meanwhile', () => {
    async function refused() {
      const { unlockId, intentId } = await paid()
      await product.stripe.dispute(intentId)
      await escalated(product, unlockId, 'dispute')
      await product.api('POST', `/api/unlocks/${unlockId}/refund`)
      await escalated(product, unlockId, 'refund_failed')
      await settled(product)
      return { unlockId, intentId }
    }

    async function refusedAndResolved() {
      const { unlockId, intentId } = await refused()
      await resolveAll(unlockId)
      await settled(product)
      return { unlockId, intentId }
    }

    it('calls nobody else once it is won while a person is called about the refund', async () => {
      const { unlockId, intentId } = await refused()
      await product.stripe.closeDispute(intentId, 'won')
      await settled(product)
      expect(await statusOfDispute(unlockId)).toBe('closed: won')
      expect(await openKinds(product, unlockId)).toEqual(['refund_failed'])
    })

    it('calls a person again once it is won, until the money is back', async () => {
      const { unlockId, intentId } = await refusedAndResolved()
      await product.stripe.closeDispute(intentId, 'won')
      await settled(product)
      expect(await openKinds(product, unlockId)).toEqual(['refund_failed'])
      await product.stripe.refund(intentId)
      await becomes(unlockId, 'refunded')
      expect(await openKinds(product, unlockId)).toEqual([])
    })

    it('calls a person again though the bank still asks about another', async () => {
      const { unlockId, intentId } = await refusedAndResolved()
      const [chargeback] = product.stripe.disputes().filter(({ payment_intent }) => payment_intent === intentId)
      await product.stripe.inquire(intentId)
      await escalated(product, unlockId, 'dispute')
      expect(await statusOfDispute(unlockId)).toBe('needs_response')
      await resolveAll(unlockId)
      await product.stripe.closeDispute(chargeback?.id ?? '', 'won')
      await settled(product)
      expect(await openKinds(product, unlockId)).toEqual(['refund_failed'])
    })

    it('calls nobody when it is lost: the bank has paid the money back', async () => {
      const { unlockId, intentId } = await refusedAndResolved()
      await product.stripe.closeDispute(intentId, 'lost')
      await settled(product)
      expect(await openKinds(product, unlockId)).toEqual([])
    })
  })

  it('that was lost and is won on appeal has given the money back', async () => {
    const { unlockId, intentId } = await paid()
    const { id } = await product.stripe.dispute(intentId)
    await product.stripe.closeDispute(id, 'lost')
    await until('it to be lost', async () => (await statusOfDispute(unlockId)) === 'closed: lost')
    await product.stripe.closeDispute(id, 'won')
    await until('it to be won', async () => (await statusOfDispute(unlockId)) === 'closed: won')
  })

  it('that was an inquiry calls nobody about a refund that failed before it, and was paid back another way', async () => {
    const { unlockId, intentId } = await paid()
    product.stripe.setRefundOutcome('failed')
    await product.api('POST', `/api/unlocks/${unlockId}/refund`)
    await escalated(product, unlockId, 'refund_failed')
    await resolveAll(unlockId)
    const { id } = await product.stripe.inquire(intentId)
    await escalated(product, unlockId, 'dispute')
    await product.stripe.closeDispute(id, 'won')
    await settled(product)
    expect(await openKinds(product, unlockId)).toEqual([])
    expect(await statusOfDispute(unlockId)).toBe('closed: warning_closed')
    product.stripe.setRefundOutcome('succeeded')
    await product.stripe.refund(intentId)
    await becomes(unlockId, 'refunded')
  })

  it('that is closed before we hear of it, or told of twice, calls nobody', async () => {
    const { unlockId, intentId } = await paid()
    product.stripe.holdWebhooks()
    await product.stripe.dispute(intentId)
    await product.stripe.closeDispute(intentId, 'won')
    for (const type of ['charge.dispute.closed', 'charge.dispute.created']) {
      await arrives(type)
      await settled(product)
    }
    expect(await escalationsOf(product, unlockId)).toEqual([])
    expect(await statusOfDispute(unlockId)).toBe('closed: won')
  })
})
