import type { Due } from '../../domain/due.ts'
import {
  declinedText,
  detailsErasedText,
  leadExpiredText,
  notOnOfferText,
  resendLimitReachedText,
} from '../../domain/texts.ts'
import { type Effect, MAX_REVEAL_RESENDS, type Notice } from '../../domain/transition.ts'
import { GRACE_MS, unpark } from '../due/parking.ts'
import { type Payment, PaymentLink, Provider, type Unlock } from '../entities/index.ts'
import { addAnotherReveal, addLinkMessage, addNotice, addReveal } from '../ledger/messages.ts'
import { payBack } from '../payments/payments.ts'
import { after } from '../postgres/clock.ts'
import type { EntityManager } from '../postgres/orm.ts'

/** What caused an event, where its effects are about that. */
export type EffectContext = {
  /** The reply: it names the answers to it. */
  inboxId?: number
  /** The payment, already stored. */
  payment?: Payment
}

/** Writes what a decision asks for, in the transaction that holds the unlock's row lock, and says what is due after it. */
export async function recordEffects(
  tx: EntityManager,
  unlock: Unlock,
  effects: readonly Effect[],
  context: EffectContext,
): Promise<Due[]> {
  const due: Due[] = []
  for (const effect of effects) due.push(...(await recordEffect(tx, unlock, effect, context)))
  return due
}

async function recordEffect(tx: EntityManager, unlock: Unlock, effect: Effect, context: EffectContext): Promise<Due[]> {
  switch (effect.type) {
    case 'create_link':
      unlock.linkGeneration += 1
      unlock.linkAttempt = 0
      return [{ job: 'create-payment-link', unlock_id: unlock.id }]
    case 'retry_link':
      await unpark(tx, unlock, 'payment_link')
      return [{ job: 'create-payment-link', unlock_id: unlock.id }]
    case 'resend_link':
      await addLinkMessage(tx, unlock, `again:${answerKey(unlock, context)}`)
      await unpark(tx, unlock, 'payment_link')
      return [{ job: 'create-payment-link', unlock_id: unlock.id }]
    case 'close_links':
      return closeLinks(tx, unlock)
    case 'reveal':
      await addReveal(tx, unlock)
      return [{ job: 'reveal', unlock_id: unlock.id }]
    case 'retry_reveal':
      await unpark(tx, unlock, 'reveal')
      return [{ job: 'reveal', unlock_id: unlock.id }]
    case 'resend_reveal':
      if (await addAnotherReveal(tx, unlock)) unlock.revealResends += 1
      await unpark(tx, unlock, 'reveal')
      return [{ job: 'reveal', unlock_id: unlock.id }]
    case 'keep_payment':
      if (context.payment === undefined) throw new Error(`unlock ${unlock.id} became PAID without a payment`)
      context.payment.status = 'kept'
      unlock.checkoutSessionId = context.payment.checkoutSessionId
      unlock.paymentIntentId = context.payment.paymentIntentId
      return []
    case 'refund_payment':
      return payBack(tx, unlock, context.payment, effect.because)
    case 'notice':
      return answer(tx, unlock, effect.notice, context)
  }
}

/** Longer than any request for a link is waited for, milliseconds. */
const LINK_ANSWER_MS = 60_000

async function closeLinks(tx: EntityManager, unlock: Unlock): Promise<Due[]> {
  const rows = await tx.execute<{ id: number }[]>(
    `update payment_links set status = 'closing', attempts = 0, next_attempt_at = ?
     where unlock_id = ? and status = 'open' returning id`,
    [after(unlock.dbNow, GRACE_MS), unlock.id],
  )
  if (rows.length === 0 && (await mayHaveUnrecordedLink(tx, unlock))) {
    unlock.linkUnrecorded = true
    // The reveal of a paid one does not wait for that.
    if (unlock.status !== 'PAID') unlock.nextAttemptAt = after(unlock.dbNow, LINK_ANSWER_MS)
  }
  return rows.map(({ id }) => ({ job: 'close-payment-link', payment_link_id: id }))
}

/** A link was asked for, and no row says what came of it: the job that asked may have died before it could. */
async function mayHaveUnrecordedLink(tx: EntityManager, unlock: Unlock): Promise<boolean> {
  if (unlock.linkGeneration === 0) return false
  return (await tx.count(PaymentLink, { unlockId: unlock.id, generation: unlock.linkGeneration })) === 0
}

async function answer(tx: EntityManager, unlock: Unlock, notice: Notice, context: EffectContext): Promise<Due[]> {
  return addNotice(tx, {
    purpose: notice,
    dedupeKey: `${notice}:${unlock.id}:${answerKey(unlock, context)}`,
    unlockId: unlock.id,
    receiver: await tx.findOneOrFail(Provider, { id: unlock.providerId }),
    body: noticeText(notice, unlock.leadId),
    inboxId: context.inboxId ?? null,
    now: unlock.dbNow,
  })
}

function noticeText(notice: Notice, leadId: string): string {
  switch (notice) {
    case 'lead_expired':
      return leadExpiredText({ leadId })
    case 'not_on_offer':
      return notOnOfferText({ leadId })
    case 'declined':
      return declinedText({ leadId })
    case 'details_erased':
      return detailsErasedText({ leadId })
    case 'resend_limit':
      return resendLimitReachedText({ leadId, times: MAX_REVEAL_RESENDS })
  }
}

/** Names the answer after the reply it answers, so that a repeated delivery of that reply answers once. */
function answerKey(unlock: Unlock, context: EffectContext): string {
  return context.inboxId === undefined ? `at:${unlock.dbNow.toISOString()}` : `inbox:${context.inboxId}`
}
