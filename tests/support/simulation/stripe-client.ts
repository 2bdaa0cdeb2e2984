import Stripe from 'stripe'
import { NotDoneError } from '../../../src/gateways/errors.ts'
import { type Attempts, recording, recordingClient } from '../../../src/gateways/stripe/attempts.ts'
import type { StripeCaller } from '../../../src/gateways/stripe/caller.ts'
import { errorOfStripe } from '../../../src/gateways/stripe/classify.ts'
import { listEvents } from '../../../src/gateways/stripe/events.ts'
import { closeLink, createPaymentLink, findActiveLinks } from '../../../src/gateways/stripe/links.ts'
import { findPayments } from '../../../src/gateways/stripe/payments.ts'
import { getRefund, listRefunds, refund } from '../../../src/gateways/stripe/refunds.ts'
import type { StripeGateway } from '../../../src/gateways/stripe.ts'
import { type StripeWireOptions, stripeWire } from './stripe-wire.ts'

/** The product's Stripe client (src/gateways/stripe.ts) over a wire without sockets; it repeats no request by itself. */
export function simulatedStripe(secretKey: string, wire: StripeWireOptions): StripeGateway {
  const sdk = new Stripe(secretKey, {
    maxNetworkRetries: 0,
    telemetry: false,
    httpClient: recordingClient(stripeWire(wire)),
  })
  const stripe: StripeCaller = {
    async call(operation, make) {
      const attempts: Attempts = { unclear: false, lastStatus: undefined, givenUp: new AbortController().signal }
      try {
        const value = await recording(attempts, async () => await make(sdk))
        if ((attempts.lastStatus ?? 200) >= 300) throw errorOfStripe(operation, undefined, attempts)
        return value
      } catch (error) {
        throw errorOfStripe(operation, error, attempts)
      }
    },
    close: () => Promise.reject(new NotDoneError('closed')),
  }
  return {
    createPaymentLink: (link) => createPaymentLink(stripe, link),
    findActiveLinks: (wanted) => findActiveLinks(stripe, wanted),
    findPayments: (owner) => findPayments(stripe, owner),
    closeLink: (linkId) => closeLink(stripe, linkId),
    refund: (request) => refund(stripe, request),
    getRefund: (refundId) => getRefund(stripe, refundId),
    listRefunds: (paymentIntentId) => listRefunds(stripe, paymentIntentId),
    listEvents: (filter) => listEvents(stripe, filter),
    close: async () => undefined,
  }
}
