/** Stripe's words, in the order in which they can follow each other; the last two are final (https://docs.stripe.com/refunds). */
export const REFUND_STATUSES = ['pending', 'requires_action', 'succeeded', 'failed', 'canceled'] as const
export type RefundStatus = (typeof REFUND_STATUSES)[number]

/** A status not known here says nothing final, so it is waited for like a pending one. */
export function toRefundStatus(status: string | null | undefined): RefundStatus {
  return REFUND_STATUSES.find((known) => known === status) ?? 'pending'
}

export function hasFailed(status: RefundStatus): boolean {
  return status === 'failed' || status === 'canceled'
}

/** One refund of a payment, as far as Stripe has told; amount in cents. */
export type KnownRefund = { refundId: string; status: RefundStatus; amountCents: number }

/** kept: earned; held: a person decides; the others: on its way back, or back. */
export const PAYMENT_STATUSES = ['kept', 'held', 'refund_due', 'refund_pending', 'refunded', 'refund_failed'] as const
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number]

/** The money is on its way back. */
export const RETURNING_STATUSES = ['refund_due', 'refund_pending'] as const satisfies readonly PaymentStatus[]

export function isReturning(status: PaymentStatus): boolean {
  return RETURNING_STATUSES.some((returning) => returning === status)
}

export type RefundedPayment = {
  status: PaymentStatus
  amountCents: number
  refundedCents: number
  /** The refund that we asked for. */
  refundId: string | null
}

/**
 * What went back in refunds whose ids are not known: of a version before, and of a charge that lists none, only a sum was. It
 * stands, and each refund that becomes known may be a part of it.
 *
 * @param refundedCents what the payment says
 * @param before the refunds that were known until now
 * @param refunds those that are now
 */
export function namelessCents(
  refundedCents: number,
  before: readonly KnownRefund[],
  refunds: readonly KnownRefund[],
): number {
  const news = refunds.filter(({ refundId }) => !before.some((known) => known.refundId === refundId))
  return Math.max(0, refundedCents - sum(before.filter(isStanding)) - sum(news))
}

/** What the refunds of a payment make of it. Cents are those on their way back or back. */
export type RefundVerdict =
  | { type: 'unchanged' }
  | { type: 'returned' }
  | { type: 'failed'; code: RefundStatus; cents: number }
  | { type: 'in_part'; cents: number }

const UNCHANGED: RefundVerdict = { type: 'unchanged' }

/**
 * What all refunds known of a payment make of it, in whatever order they became known. One that a person made at Stripe
 * counts as soon as it was asked for: no details go out for money on its way back. One that we asked for counts when it
 * succeeded.
 *
 * @param refunds every refund of the payment that is known
 * @param failing the refunds among them of which it became known just now that they failed
 */
export function judgeRefunds(
  payment: RefundedPayment,
  refunds: readonly KnownRefund[],
  failing: readonly KnownRefund[],
): RefundVerdict {
  const standing = sum(refunds.filter(isStanding))
  const succeeded = sum(refunds.filter(({ status }) => status === 'succeeded'))
  const ours = refunds.find(({ refundId }) => refundId === payment.refundId)
  switch (payment.status) {
    case 'kept':
    case 'held':
      return standing >= payment.amountCents ? { type: 'returned' } : judgePart(payment, standing, failing)
    case 'refund_pending':
      if (ours?.status === 'succeeded') return judgeWhole(payment, refunds, standing)
      if (ours !== undefined && hasFailed(ours.status)) return { type: 'failed', code: ours.status, cents: standing }
      return succeeded >= payment.amountCents ? { type: 'returned' } : UNCHANGED
    case 'refunded': {
      const [failed] = failing
      return failed !== undefined && standing < payment.amountCents
        ? { type: 'failed', code: failed.status, cents: standing }
        : UNCHANGED
    }
    case 'refund_due':
    case 'refund_failed':
      if (succeeded >= payment.amountCents) return { type: 'returned' }
      // One of the whole that is pending may be ours, and is waited for.
      return standing >= payment.amountCents ? UNCHANGED : judgePart(payment, standing, failing)
  }
}

/** A charge may have told of more than the refunds that are known: only a failure makes the sum less. */
function judgePart(payment: RefundedPayment, standing: number, failing: readonly KnownRefund[]): RefundVerdict {
  const isNews = standing > payment.refundedCents || (failing.length > 0 && standing < payment.refundedCents)
  return isNews ? { type: 'in_part', cents: standing } : UNCHANGED
}

/** Our refund takes what is left of a charge; another part of it may have failed, which leaves that part with us. */
function judgeWhole(payment: RefundedPayment, refunds: readonly KnownRefund[], standing: number): RefundVerdict {
  const failed = refunds.find(({ status }) => hasFailed(status))
  return failed !== undefined && standing < payment.amountCents
    ? { type: 'failed', code: failed.status, cents: standing }
    : { type: 'returned' }
}

function isStanding({ status }: KnownRefund): boolean {
  return !hasFailed(status)
}

function sum(refunds: readonly KnownRefund[]): number {
  return refunds.reduce((cents, { amountCents }) => cents + amountCents, 0)
}
