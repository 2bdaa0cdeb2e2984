import { type Static, Type } from 'typebox'
import type { OutboundMessage, Unlock } from '../../../db/entities/index.ts'
import type { UnlockHistory } from '../../../db/unlocks/history.ts'
import { MESSAGE_STATUSES, PURPOSES } from '../../../domain/outbound.ts'
import { NullableText, NullableTimestamp, Timestamp } from '../../fields.ts'
import { UnlockStatusSchema } from '../leads/schemas.ts'
import { PaymentSchema, paymentView } from '../payments/schemas.ts'

export const UnlockSchema = Type.Object({
  id: Type.Integer(),
  lead_id: Type.String(),
  provider_id: Type.String(),
  status: UnlockStatusSchema,
  closed_reason: NullableText,
  price_cents: Type.Integer(),
  currency: Type.String(),
  ttl_expires_at: Timestamp,
  teaser_sent_at: NullableTimestamp,
  payment_link_id: NullableText,
  payment_link_url: NullableText,
  checkout_session_id: NullableText,
  payment_intent_id: NullableText,
  paid_at: NullableTimestamp,
  unlocked_at: NullableTimestamp,
  created_at: Timestamp,
  updated_at: Timestamp,
})

const TransitionSchema = Type.Object({
  from_status: UnlockStatusSchema,
  to_status: UnlockStatusSchema,
  cause: Type.String(),
  at: Timestamp,
})

export const MessageSchema = Type.Object({
  id: Type.Integer(),
  purpose: Type.Enum([...PURPOSES]),
  status: Type.Enum([...MESSAGE_STATUSES]),
  body: Type.Union([Type.String(), Type.Null()], { description: 'Null for a reveal, which is never stored' }),
  gateway_id: NullableText,
  delivery_status: NullableText,
  reject_reason: NullableText,
  error_code: NullableText,
  attempts: Type.Integer(),
  not_before: Type.Union([Timestamp, Type.Null()], {
    description: 'Set while it waits for quiet hours to end, and after',
  }),
  created_at: Timestamp,
  accepted_at: NullableTimestamp,
  final_at: NullableTimestamp,
})

const LinkSchema = Type.Object({
  stripe_id: Type.String(),
  url: Type.String(),
  status: Type.Enum(['open', 'closing', 'closed']),
  created_at: Timestamp,
  closed_at: NullableTimestamp,
})

export const HistorySchema = Type.Object({
  unlock: UnlockSchema,
  timeline: Type.Array(TransitionSchema),
  messages: Type.Array(MessageSchema),
  links: Type.Array(LinkSchema),
  payments: Type.Array(PaymentSchema),
})

/** An unlock as everybody with a key may see it. */
export function unlockView(unlock: Unlock): Static<typeof UnlockSchema> {
  return {
    id: unlock.id,
    lead_id: unlock.leadId,
    provider_id: unlock.providerId,
    status: unlock.status,
    closed_reason: unlock.closedReason ?? null,
    price_cents: unlock.priceCents,
    currency: unlock.currency,
    ttl_expires_at: unlock.ttlExpiresAt.toISOString(),
    teaser_sent_at: iso(unlock.teaserSentAt),
    payment_link_id: unlock.paymentLinkId ?? null,
    payment_link_url: unlock.paymentLinkUrl ?? null,
    checkout_session_id: unlock.checkoutSessionId ?? null,
    payment_intent_id: unlock.paymentIntentId ?? null,
    paid_at: iso(unlock.paidAt),
    unlocked_at: iso(unlock.unlockedAt),
    created_at: unlock.createdAt.toISOString(),
    updated_at: unlock.updatedAt.toISOString(),
  }
}

/** A message without what it must not show: the body of a reveal holds locked fields. */
export function messageView(message: OutboundMessage): Static<typeof MessageSchema> {
  return {
    id: message.id,
    purpose: message.purpose,
    status: message.status,
    body: message.purpose === 'reveal' ? null : (message.body ?? null),
    gateway_id: message.gatewayId ?? null,
    delivery_status: message.deliveryStatus ?? null,
    reject_reason: message.rejectReason ?? null,
    error_code: message.errorCode ?? null,
    attempts: message.attempts,
    not_before: iso(message.notBefore),
    created_at: message.createdAt.toISOString(),
    accepted_at: iso(message.acceptedAt),
    final_at: iso(message.finalAt),
  }
}

/** The whole story of an unlock, oldest first, without a locked field. */
export function historyView(history: UnlockHistory): Static<typeof HistorySchema> {
  return {
    unlock: unlockView(history.unlock),
    timeline: history.timeline.map((row) => ({
      from_status: row.fromStatus,
      to_status: row.toStatus,
      cause: row.cause,
      at: row.at.toISOString(),
    })),
    messages: history.messages.map(messageView),
    links: history.links.map((link) => ({
      stripe_id: link.stripeId,
      url: link.url,
      status: link.status,
      created_at: link.createdAt.toISOString(),
      closed_at: iso(link.closedAt),
    })),
    payments: history.payments.map(paymentView),
  }
}

function iso(at: Date | null | undefined): string | null {
  return at?.toISOString() ?? null
}
