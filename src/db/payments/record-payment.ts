import type { EntityDictionary } from '@mikro-orm/core'
import type { Due } from '../../domain/due.ts'
import type { LatePayment } from '../../domain/transition.ts'
import { Payment, type Unlock } from '../entities/index.ts'
import { openEscalation } from '../escalations/escalations.ts'
import { EARLY_EVENTS } from '../inbox/inbox.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { applyToLocked, lockUnlockBy } from '../unlocks/apply-event.ts'
import { recordReturned } from './refunds.ts'

/** Money that Stripe says is in. */
export type IncomingPayment = {
  checkoutSessionId: string
  paymentIntentId: string | null
  stripeLinkId: string | null
  amountCents: number
  currency: string
  /** The whole of it went back to the payer before we heard of it. */
  returned?: boolean
  /** The unlock it names in its metadata, as it came. */
  claimed: { unlockId: string | null; leadId: string | null }
}

export type RecordOptions = {
  latePayment: LatePayment
  /** The second it was paid in, as Stripe says: before the TTL is in time, however long it was on its way, or waited here. */
  paidAt: Date
  /** When word of it came; now when absent. */
  heardAt?: Date
  /** What told us, for the timeline. */
  cause: string
}

export type RecordedPayment = {
  due: Due[]
  /** Something about it came before it and waits to be taken up (`lockEarlyEvents`). */
  hasEarlyEvents: boolean
}

/**
 * Records a payment, once per checkout session and intent, and moves its unlock. Money that fits no unlock, or has the wrong
 * amount or currency, is held for a person and reveals nothing.
 *
 * @returns what is due: nothing when the payment is known already
 */
export async function recordPayment(
  tx: EntityManager,
  incoming: IncomingPayment,
  options: RecordOptions,
): Promise<RecordedPayment> {
  const unlock = await unlockPaidFor(tx, incoming)
  const inserted = await insertPayment(tx, incoming, unlock)
  if (inserted === null) return { due: [], hasEarlyEvents: true }
  const { payment, hasEarlyEvents } = inserted
  return { due: await credit(tx, incoming, unlock, payment, options), hasEarlyEvents }
}

/** Moves the unlock that a payment is for, or calls a person. */
async function credit(
  tx: EntityManager,
  incoming: IncomingPayment,
  unlock: Unlock | null,
  payment: Payment,
  options: RecordOptions,
): Promise<Due[]> {
  if (incoming.returned) return recordReturned(tx, payment, 'refunded at stripe')
  if (unlock === null) {
    return openEscalation(tx, {
      kind: 'unknown_unlock',
      subject: `payment:${payment.id}`,
      summary: `Payment ${payment.id} (session ${incoming.checkoutSessionId}) belongs to no unlock we know.`,
    })
  }
  if (incoming.amountCents !== unlock.priceCents || incoming.currency !== unlock.currency) {
    return openEscalation(tx, {
      kind: 'wrong_amount',
      subject: `payment:${payment.id}`,
      unlockId: unlock.id,
      summary:
        `Payment ${payment.id} for unlock ${unlock.id} is ${incoming.amountCents} ${incoming.currency}, ` +
        `not ${unlock.priceCents} ${unlock.currency}.`,
    })
  }
  const inTime = isPaidInTime(unlock, options)
  const event = { type: 'payment', latePayment: options.latePayment, inTime } as const
  const { due } = await applyToLocked(tx, unlock, event, options.cause, { payment })
  return due
}

/**
 * Whether it was paid before the TTL, by when word of it came or, where that was later, by Stripe's time of it. Stripe tells
 * whole seconds, and the payment may have been made at any moment of its second: that second has to be over by the TTL, or
 * some payments after it would count as in time. A time before there was an unlock is of a clock that is wrong, and tells
 * nothing.
 */
function isPaidInTime({ createdAt, ttlExpiresAt, dbNow }: Unlock, { paidAt, heardAt = dbNow }: RecordOptions): boolean {
  if (heardAt <= ttlExpiresAt) return true
  const paidBy = new Date(paidAt.getTime() + 1000)
  return paidBy > createdAt && paidBy <= ttlExpiresAt
}

/**
 * The unlock a payment is for, locked: the one its link was made for, else the one its metadata names together with its
 * lead. When the two disagree there is none: nobody pays for somebody else's unlock.
 */
async function unlockPaidFor(tx: EntityManager, { stripeLinkId, claimed }: IncomingPayment): Promise<Unlock | null> {
  const claimedId = /^[1-9]\d{0,8}$/.test(claimed.unlockId ?? '') ? Number(claimed.unlockId) : null
  const unlock = await lockUnlockBy(
    tx,
    'coalesce((select unlock_id from payment_links where stripe_id = ?), ?::integer)',
    [stripeLinkId ?? '', claimed.leadId === null ? null : claimedId],
  )
  const agrees =
    (claimedId === null || claimedId === unlock?.id) && (claimed.leadId === null || claimed.leadId === unlock?.leadId)
  return agrees ? unlock : null
}

async function insertPayment(
  tx: EntityManager,
  incoming: IncomingPayment,
  unlock: Unlock | null,
): Promise<{ payment: Payment; hasEarlyEvents: boolean } | null> {
  const [row] = await tx.execute<(EntityDictionary<Payment> & { has_early_events: boolean })[]>(
    `insert into payments (unlock_id, checkout_session_id, payment_intent_id, stripe_link_id, amount_cents, currency, status)
     values (?, ?, ?, ?, ?, ?, 'held') on conflict do nothing
     returning *, exists (select from ${EARLY_EVENTS}) as has_early_events`,
    [
      unlock?.id ?? null,
      incoming.checkoutSessionId,
      incoming.paymentIntentId,
      incoming.stripeLinkId,
      incoming.amountCents,
      incoming.currency,
      incoming.paymentIntentId,
    ],
  )
  if (row === undefined) return null
  const { has_early_events, ...payment } = row
  return { payment: tx.map(Payment, payment), hasEarlyEvents: has_early_events }
}
