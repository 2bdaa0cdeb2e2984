import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

export const PaymentLink = defineEntity({
  name: 'PaymentLink',
  tableName: 'payment_links',
  properties: {
    id: p.integer().primary().autoincrement(),
    unlockId: p.integer(),
    generation: p.integer(),
    stripeId: p.string(),
    url: p.string(),
    status: p.string().$type<'open' | 'closing' | 'closed'>().default('open'),
    attempts: p.integer().default(0),
    nextAttemptAt: p.datetime().defaultRaw('app_now()'),
    createdAt: p.datetime().defaultRaw('app_now()'),
    closedAt: p.datetime().nullable(),
  },
})
export type PaymentLink = InferEntity<typeof PaymentLink>
