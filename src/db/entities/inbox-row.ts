import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import type { InboxSource } from '../inbox/sources.ts'

/** received: to be handled; forwarding: to be passed to the fallback system; failed: a person must look. */
export type InboxStatus = 'received' | 'forwarding' | 'processed' | 'failed'

export const InboxRow = defineEntity({
  name: 'InboxRow',
  tableName: 'webhook_inbox',
  properties: {
    id: p.bigint('number').primary().autoincrement(),
    source: p.string().$type<InboxSource>(),
    externalId: p.string(),
    contentType: p.string(),
    /** Null once it is not needed any more. */
    sealedBody: p.text().nullable(),
    status: p.string().$type<InboxStatus>().default('received'),
    outcome: p.string().nullable(),
    /** By the gateway's word, never later than it came: when a text was sent, or what a Stripe event tells of happened. */
    sentAt: p.datetime().nullable(),
    providerId: p.string().nullable(),
    requestId: p.string().nullable(),
    /** Set on a Stripe event that came before the payment it is about. */
    paymentIntentId: p.string().nullable(),
    attempts: p.integer().default(0),
    nextAttemptAt: p.datetime().defaultRaw('app_now()'),
    receivedAt: p.datetime().defaultRaw('app_now()'),
    processedAt: p.datetime().nullable(),
    /** The database's time when the row was read. */
    dbNow: p.datetime().formula('app_now()').hidden(),
  },
})
export type InboxRow = InferEntity<typeof InboxRow>
