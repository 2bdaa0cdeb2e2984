import { type Static, Type } from 'typebox'
import type { Payment } from '../../../db/entities/index.ts'
import { PAYMENT_STATUSES } from '../../../domain/refunds.ts'
import { NullableText, Timestamp } from '../../fields.ts'

export const PaymentStatusSchema = Type.Enum([...PAYMENT_STATUSES], {
  description: 'kept: earned; held: a person decides; the others: on its way back, or back',
})

export const PaymentSchema = Type.Object({
  id: Type.Integer(),
  status: PaymentStatusSchema,
  amount_cents: Type.Integer(),
  currency: Type.String(),
  refunded_cents: Type.Integer(),
  refund_reason: NullableText,
  dispute_status: NullableText,
  checkout_session_id: Type.String(),
  payment_intent_id: NullableText,
  created_at: Timestamp,
})

export function paymentView(payment: Payment): Static<typeof PaymentSchema> {
  return {
    id: payment.id,
    status: payment.status,
    amount_cents: payment.amountCents,
    currency: payment.currency,
    refunded_cents: payment.refundedCents,
    refund_reason: payment.refundReason ?? null,
    dispute_status: payment.disputeStatus ?? null,
    checkout_session_id: payment.checkoutSessionId,
    payment_intent_id: payment.paymentIntentId ?? null,
    created_at: payment.createdAt.toISOString(),
  }
}
