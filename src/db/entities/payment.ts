import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import type { PaymentStatus } from '../../domain/refunds.ts'

export const Payment = defineEntity({
  name: 'Payment',
  tableName: 'payments',
  properties: {
    id: p.integer().primary().autoincrement(),
    unlockId: p.integer().nullable(),
    checkoutSessionId: p.string(),
    paymentIntentId: p.string().nullable(),
    stripeLinkId: p.string().nullable(),
    amountCents: p.integer(),
    currency: p.string(),
    status: p.string().$type<PaymentStatus>(),
    refundReason: p.string().nullable(),
    refundId: p.string().nullable(),
    refundAttempt: p.integer().default(0),
    refundedCents: p.integer().default(0),
    disputeStatus: p.string().nullable(),
    attempts: p.integer().default(0),
    nextAttemptAt: p.datetime().defaultRaw('app_now()'),
    createdAt: p.datetime().defaultRaw('app_now()'),
    updatedAt: p.datetime().defaultRaw('app_now()'),
  },
})
export type Payment = InferEntity<typeof Payment>
