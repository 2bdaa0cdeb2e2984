import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import type { MessageStatus, Purpose } from '../../domain/outbound.ts'

export const OutboundMessage = defineEntity({
  name: 'OutboundMessage',
  tableName: 'outbound_messages',
  properties: {
    /** Also the reference the gateway gets. */
    id: p.integer().primary().autoincrement(),
    purpose: p.string().$type<Purpose>(),
    dedupeKey: p.string(),
    unlockId: p.integer().nullable(),
    providerId: p.string().nullable(),
    inboxId: p.bigint('number').nullable(),
    paymentLinkId: p.integer().nullable(),
    phone: p.string(),
    /** Null for a reveal, and once erased. */
    body: p.text().nullable(),
    status: p.string().$type<MessageStatus>().default('pending'),
    gatewayId: p.string().nullable(),
    deliveryStatus: p.string().nullable(),
    rejectReason: p.string().nullable(),
    attempts: p.integer().default(0),
    leaseUntil: p.datetime().nullable(),
    claimedAt: p.datetime().nullable(),
    nextAttemptAt: p.datetime().defaultRaw('app_now()'),
    notBefore: p.datetime().nullable(),
    errorCode: p.string().nullable(),
    acceptedAt: p.datetime().nullable(),
    finalAt: p.datetime().nullable(),
    createdAt: p.datetime().defaultRaw('app_now()'),
    /** The database's clock when the row was read; under a row lock, when the lock was granted. */
    dbNow: p.datetime().formula('app_now()').hidden(),
  },
})
export type OutboundMessage = InferEntity<typeof OutboundMessage>
