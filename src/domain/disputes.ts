/** One dispute of a payment, as far as Stripe has told. */
export type KnownDispute = { status: string; closed: boolean }

export type NamedDispute = KnownDispute & { disputeId: string }

/** Stripe's words for one that is over (https://docs.stripe.com/api/disputes/object#dispute_object-status). */
const OVER = ['won', 'lost', 'warning_closed', 'prevented']

/** Whether Stripe's word for a dispute is its last. A status not known here is not. */
export function isOver(status: string): boolean {
  return OVER.includes(status)
}

/** The bank asks, and takes nothing yet. It may become a chargeback, which does, under the same id. */
export function isInquiry({ status }: KnownDispute): boolean {
  return status.startsWith('warning_')
}

/**
 * Whether what is told of a dispute comes after what is known of it, in whatever order that becomes known. One that was lost
 * may be won on appeal (https://docs.stripe.com/changelog/endive/2026-10-28/evidence-submission-appeal-dispute-decisions).
 */
export function isLater(told: KnownDispute, known: KnownDispute): boolean {
  if (isInquiry(told) !== isInquiry(known)) return isInquiry(known)
  return told.closed && (!known.closed || (isLost(known) && !isLost(told)))
}

/** It took the money. */
export function isLost({ status, closed }: KnownDispute): boolean {
  return closed && status === 'lost'
}

/** The bank has the money, for now or for good. */
export function isWithBank(dispute: KnownDispute): boolean {
  return !isInquiry(dispute) && (!dispute.closed || isLost(dispute))
}

/**
 * What a payment's `dispute_status` says of all its disputes: one that was lost took the money, whatever becomes of the
 * others; else one that has it for now counts, then an inquiry that is open.
 *
 * @param disputes the one told of last at the end
 */
export function judgeDisputes(disputes: readonly KnownDispute[]): string | null {
  const open = disputes.filter(({ closed }) => !closed)
  const last = disputes.findLast(isLost) ?? open.findLast(isWithBank) ?? open.at(-1) ?? disputes.at(-1)
  return last === undefined ? null : describeDispute(last)
}

export function describeDispute({ status, closed }: KnownDispute): string {
  return closed ? `closed: ${status}` : status
}
