import type { KnownRefund } from '../domain/refunds.ts'
import { createStripeCaller, type StripeOptions } from './stripe/caller.ts'
import { type EventFilter, type ListedEvent, listEvents } from './stripe/events.ts'
import {
  closeLink,
  createPaymentLink,
  findActiveLinks,
  type NewPaymentLink,
  type PaymentLink,
  type WantedLinks,
} from './stripe/links.ts'
import { type FoundPayment, findPayments, type PaymentOwner } from './stripe/payments.ts'
import { getRefund, listRefunds, type Refund, type RefundRequest, refund } from './stripe/refunds.ts'

export type { StripeOptions } from './stripe/caller.ts'
export type { EventFilter, ListedEvent } from './stripe/events.ts'
export type { NewPaymentLink } from './stripe/links.ts'
export { type FoundPayment, isRefunded, isTakenBack } from './stripe/payments.ts'
export type { Refund, RefundRequest } from './stripe/refunds.ts'

/** What can go wrong is told by the error's class (errors.ts); for a call that only reads, each means: ask again later. */
export type StripeGateway = {
  /**
   * Creates the payment link of an unlock's generation. Repeating it with the same attempt number is safe.
   *
   * @throws UnclearError `replayable_500` or `idempotency_mismatch`: Stripe would answer the same for ever under this
   * attempt number. Look for an active link, then take the next number. Any other UnclearError (`in_flight`, `timeout`,
   * `connection_lost`, …) and NotDoneError: repeat under the same number. RefusedError: its code is Stripe's own; a
   * repetition with changed parameters takes the next number.
   */
  createPaymentLink(link: NewPaymentLink): Promise<PaymentLink>
  /**
   * Finds links that were created though their answers were lost, in one pass through the active links of the account; of
   * each generation the newest.
   *
   * @returns those found, by generation; none where links cannot be listed (404)
   * @throws UnclearError `not_looked_far_enough` rather than missing one without having seen every active link
   */
  findActiveLinks(wanted: WantedLinks): Promise<Map<number, PaymentLink>>
  /**
   * Finds every payment made for an unlock, refunded ones included, oldest first: on the given links, and on any other
   * link by the metadata of its payments. That second search lags up to a minute behind, and is left out where Stripe
   * does not offer it.
   */
  findPayments(owner: PaymentOwner): Promise<FoundPayment[]>
  /**
   * Deactivates a link and expires its open sessions. Repeating it is safe; a link Stripe does not know counts as closed.
   * A payment completed meanwhile stands: it comes as an event, and `findPayments` finds it.
   *
   * @returns false for a link that Stripe does not know
   */
  closeLink(linkId: string): Promise<boolean>
  /**
   * Gives back what is left of a payment. Repeating it with the same attempt number is safe.
   *
   * @returns `status` may be `pending` and fail later: Stripe tells by event, `getRefund` by asking
   * @throws RefusedError `charge_disputed`; UnclearError `replayable_500` or `idempotency_mismatch` as for
   * `createPaymentLink`: the next attempt number is safe, since a charge already refunded is not refunded again
   */
  refund(request: RefundRequest): Promise<Refund>
  /** @returns null for an unknown id */
  getRefund(refundId: string): Promise<KnownRefund | null>
  /** Every refund of a payment, failed ones included, newest first; null where refunds cannot be listed (404). */
  listRefunds(paymentIntentId: string): Promise<KnownRefund[] | null>
  /** Goes through events as Stripe keeps them, newest first. Errors come while iterating. */
  listEvents(filter: EventFilter): AsyncIterable<ListedEvent>
  close(): Promise<void>
}

/** A client of Stripe's API on its official SDK. */
export function createStripe(options: StripeOptions): StripeGateway {
  const stripe = createStripeCaller(options)
  return {
    createPaymentLink: (link) => createPaymentLink(stripe, link),
    findActiveLinks: (wanted) => findActiveLinks(stripe, wanted),
    findPayments: (owner) => findPayments(stripe, owner),
    closeLink: (linkId) => closeLink(stripe, linkId),
    refund: (request) => refund(stripe, request),
    getRefund: (refundId) => getRefund(stripe, refundId),
    listRefunds: (paymentIntentId) => listRefunds(stripe, paymentIntentId),
    listEvents: (filter) => listEvents(stripe, filter),
    close: () => stripe.close(),
  }
}
