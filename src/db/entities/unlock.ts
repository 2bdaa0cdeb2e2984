import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import type { ClosedReason, UnlockStatus } from '../../domain/states.ts'

export const Unlock = defineEntity({
  name: 'Unlock',
  tableName: 'lead_unlocks',
  properties: {
    id: p.integer().primary().autoincrement(),
    leadId: p.string(),
    providerId: p.string(),
    status: p.string().$type<UnlockStatus>().default('NEW_LEAD'),
    closedReason: p.string().$type<ClosedReason>().nullable(),
    priceCents: p.integer(),
    currency: p.string(),
    ttlExpiresAt: p.datetime(),
    /** When it was last claimed for sending, since a reply may come before its acceptance is recorded; null if it never left. */
    teaserSentAt: p.datetime().nullable(),
    /** When the newest Y or N to it was texted. */
    answeredAt: p.datetime().nullable(),
    /** Stripe's id of its newest link, not our row's. */
    paymentLinkId: p.string().nullable(),
    paymentLinkUrl: p.string().nullable(),
    linkGeneration: p.integer().default(0),
    linkAttempt: p.integer().default(0),
    /** Stripe may have a link that no row tells of: its answer was not recorded when the unlock moved on. */
    linkUnrecorded: p.boolean().default(false),
    checkoutSessionId: p.string().nullable(),
    paymentIntentId: p.string().nullable(),
    paidAt: p.datetime().nullable(),
    unlockedAt: p.datetime().nullable(),
    revealConfirmAt: p.datetime().nullable(),
    revealResends: p.integer().default(0),
    attempts: p.integer().default(0),
    nextAttemptAt: p.datetime().defaultRaw('app_now()'),
    createdAt: p.datetime().defaultRaw('app_now()'),
    updatedAt: p.datetime().defaultRaw('app_now()'),
    /** The database's clock when the row was read; under a row lock, when the lock was granted. */
    dbNow: p.datetime().formula('app_now()').hidden(),
  },
})
export type Unlock = InferEntity<typeof Unlock>
