/**
 * Glossary.
 * - Lead: a client's inquiry. Its locked fields are the client's contact details.
 * - Unlock: one provider's way through one lead, from teaser to reveal. One row per (lead, provider).
 * - Teaser: the SMS that offers a lead without its locked fields.
 * - Reveal: the SMS that carries the locked fields, sent once they are paid for.
 * - Payment link: a Stripe page where this provider, and nobody else, pays for this unlock.
 * - Kept payment: money we took for an unlock and did not give back.
 * - Due: work that Postgres says must be done; a job is only a wake-up for it, which may come twice, late, or not at all.
 * - Claim: one worker's right to send a message, until its lease ends.
 * - Unclear: a gateway may have done what it was asked for, or not. That is found out before it is asked again.
 * - Generation: how often an unlock was opened for payment; each has one link.
 * - Parked: left to a person, whom an escalation calls; the sweep does not wake it up.
 * - Escalation: something a person must look at.
 *
 * An unlock passes through TEASER_SENT and PAYMENT_LINK_SENT, and goes on in the same transaction: none is found in them.
 */
export const UNLOCK_STATUSES = [
  'NEW_LEAD',
  'TEASER_SENT',
  'AWAIT_CONFIRM',
  'CHECK_EXISTING_PAYMENT',
  'CREATE_PAYMENT_LINK',
  'PAYMENT_LINK_SENT',
  'AWAITING_PAYMENT',
  'PAID',
  'REVEAL_DETAILS_SENT',
  'DONE',
  'EXPIRED',
  'OPTED_OUT',
] as const

export type UnlockStatus = (typeof UNLOCK_STATUSES)[number]

export const CLOSED_REASONS = ['declined', 'ttl', 'admin'] as const
export type ClosedReason = (typeof CLOSED_REASONS)[number]

/** Offered and not paid yet: a reply, the TTL, STOP or a payment can still move it. */
export const UNPAID_STATUSES = [
  'NEW_LEAD',
  'TEASER_SENT',
  'AWAIT_CONFIRM',
  'CHECK_EXISTING_PAYMENT',
  'CREATE_PAYMENT_LINK',
  'PAYMENT_LINK_SENT',
  'AWAITING_PAYMENT',
] as const satisfies readonly UnlockStatus[]

/** Paid or later: the only states in which a locked field may leave the house. */
export const PAID_STATUSES = ['PAID', 'REVEAL_DETAILS_SENT', 'DONE'] as const satisfies readonly UnlockStatus[]

/** The details went out. */
export const DETAILS_SENT_STATUSES = ['REVEAL_DETAILS_SENT', 'DONE'] as const satisfies readonly UnlockStatus[]

/** Yes said, payment page not yet in the provider's hands. */
export const LINK_DUE_STATUSES = [
  'CHECK_EXISTING_PAYMENT',
  'CREATE_PAYMENT_LINK',
] as const satisfies readonly UnlockStatus[]

/** The payment page is in the provider's hands. */
export const LINK_SENT_STATUSES = ['PAYMENT_LINK_SENT', 'AWAITING_PAYMENT'] as const satisfies readonly UnlockStatus[]

/** True when `status` is one of `group`. */
export function isIn<T extends UnlockStatus>(group: readonly T[], status: UnlockStatus): status is T {
  return (group as readonly UnlockStatus[]).includes(status)
}
