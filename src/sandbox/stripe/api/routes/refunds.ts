import type { FastifyInstance } from 'fastify'
import { invalidRequest, resourceMissing } from '../../api-error.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { mergeMetadata } from '../../ledger/metadata.ts'
import type { RefundPlan } from '../../ledger/refund-plan.ts'
import { refundableCharge } from '../../ledger/refunds.ts'
import { defineRoute } from '../define-route.ts'
import { createdFilter, page, pageParams } from '../list.ts'
import { integer, metadata, notEmulated, object, oneOf, optional, text } from '../params.ts'

const createParams = object({
  amount: optional(integer(1)),
  charge: optional(text()),
  currency: notEmulated,
  customer: notEmulated,
  instructions_email: notEmulated,
  metadata: optional(metadata),
  origin: notEmulated,
  payment_intent: optional(text()),
  reason: optional(oneOf('duplicate', 'fraudulent', 'requested_by_customer')),
  refund_application_fee: notEmulated,
  reverse_transfer: notEmulated,
})

const listParams = object({
  ...pageParams,
  charge: optional(text()),
  created: createdFilter,
  payment_intent: optional(text()),
})

export function refundRoutes(app: FastifyInstance, ledger: Ledger, plan: RefundPlan): void {
  const { state } = ledger
  const chargeOf = (chargeId: string | undefined, paymentIntentId: string | undefined) => {
    if (paymentIntentId !== undefined && chargeId === undefined) return refundableCharge(ledger, paymentIntentId)
    if (chargeId === undefined || paymentIntentId !== undefined) {
      throw invalidRequest(
        'One of the following params should be provided for this request: payment_intent or charge.',
        chargeId === undefined ? 'parameter_missing' : undefined,
      )
    }
    const charge = state.charges.get(chargeId)
    if (charge === undefined) throw resourceMissing('charge', chargeId, 'charge')
    return charge
  }
  defineRoute(app, state, 'POST', '/refunds', ({ params, cause }) => {
    const asked = createParams(params, '')
    const charge = chargeOf(asked.charge, asked.payment_intent)
    const { amount, reason } = asked
    return plan.create({ charge, amount, reason, metadata: mergeMetadata({}, asked.metadata) }, cause)
  })
  defineRoute(app, state, 'GET', '/refunds', ({ params, path }) => {
    const asked = listParams(params, '')
    const refunds = state.refunds
      .newestFirst()
      .filter(
        (refund) =>
          asked.created(refund.created) &&
          (asked.charge === undefined || refund.charge === asked.charge) &&
          (asked.payment_intent === undefined || refund.payment_intent === asked.payment_intent),
      )
    return page(refunds, asked, path)
  })
  defineRoute(app, state, 'GET', '/refunds/:id', ({ id }) => {
    const refund = state.refunds.get(id)
    if (refund === undefined) throw resourceMissing('refund', id)
    return refund
  })
}
