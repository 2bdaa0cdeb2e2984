import type { Ledger } from './ledger.ts'
import { countCompletion, isAtLimit } from './links.ts'
import { newCharge, newPaymentIntent } from './payment-intents.ts'
import type { PaymentIntent, Session } from './records.ts'
import { found, Refusal } from './refusal.ts'
import { openSession, type SessionOverrides } from './sessions.ts'

export type PaymentOptions = SessionOverrides & {
  /** Pay by a method that settles later: the session completes unpaid until `settleSession`. */
  async?: boolean | undefined
  email?: string | undefined
}

export type Payment = { session: Session; paymentIntent: PaymentIntent }

/** A customer visits the link and pays: in the session left open on it, else in a new one. */
export function payLink(ledger: Ledger, linkId: string, options: PaymentOptions = {}): Payment {
  const open = ledger.state.sessions
    .newestFirst()
    .find((session) => session.payment_link === linkId && session.status === 'open')
  return paySession(ledger, open ?? openSession(ledger, linkId, options), options)
}

/**
 * The customer of an open session pays. Deactivating the link does not stop that, only its completed-sessions limit does;
 * `force` ignores the limit too, as two customers paying in the same moment would.
 */
export function paySession(ledger: Ledger, session: Session, options: PaymentOptions = {}): Payment {
  if (session.status !== 'open') {
    throw new Refusal('session_not_open', `Checkout Session ${session.id} is ${session.status}, not open`)
  }
  const { link } = found(ledger.state.links.get(session.payment_link), 'payment_link', session.payment_link)
  if (isAtLimit(link) && options.force !== true) {
    throw new Refusal('link_inactive', `Payment link ${link.id} has reached its limit of completed sessions`)
  }
  const email = options.email ?? session.customer_email ?? 'customer@example.com'
  const priced = {
    ...session,
    amount_subtotal: options.amount ?? session.amount_subtotal,
    amount_total: options.amount ?? session.amount_total,
    currency: options.currency ?? session.currency,
    metadata: options.metadata ?? session.metadata,
  }
  const fromLink = newPaymentIntent(priced, link, email, ledger.clock.seconds())
  const intent = { ...fromLink, metadata: options.metadata ?? fromLink.metadata }
  ledger.state.paymentIntents.put(intent)
  const paymentIntent = options.async === true ? intent : capture(ledger, intent)
  countCompletion(ledger, link.id)
  const completed = ledger.state.sessions.put({
    ...priced,
    customer_details: customerDetails(email),
    payment_intent: intent.id,
    payment_status: options.async === true ? 'unpaid' : 'paid',
    status: 'complete',
    url: null,
  })
  if (paymentIntent.status === 'succeeded') ledger.emit('payment_intent.succeeded', paymentIntent)
  ledger.emit('checkout.session.completed', completed)
  return { session: completed, paymentIntent }
}

/** The bank's word on a payment that settles later. */
export function settleSession(ledger: Ledger, session: Session, outcome: 'succeeded' | 'failed'): Payment {
  const intent = ledger.state.paymentIntents.get(session.payment_intent ?? '')
  if (intent?.status !== 'processing') {
    throw new Refusal('not_settleable', `Checkout Session ${session.id} is not waiting for its payment to settle`)
  }
  if (outcome === 'succeeded') {
    const paymentIntent = capture(ledger, intent)
    const paid = ledger.state.sessions.put({ ...session, payment_status: 'paid' })
    ledger.emit('payment_intent.succeeded', paymentIntent)
    ledger.emit('checkout.session.async_payment_succeeded', paid)
    return { session: paid, paymentIntent }
  }
  const paymentIntent = ledger.state.paymentIntents.put({
    ...intent,
    payment_method: null,
    status: 'requires_payment_method',
  })
  ledger.emit('payment_intent.payment_failed', paymentIntent)
  ledger.emit('checkout.session.async_payment_failed', session)
  return { session, paymentIntent }
}

function capture(ledger: Ledger, intent: PaymentIntent): PaymentIntent {
  const charge = ledger.state.charges.put(newCharge(intent, ledger.clock.seconds()))
  return ledger.state.paymentIntents.put({
    ...intent,
    amount_received: intent.amount,
    latest_charge: charge.id,
    status: 'succeeded',
  })
}

function customerDetails(email: string): Session['customer_details'] {
  return {
    address: null,
    business_name: null,
    email,
    individual_name: null,
    name: null,
    phone: null,
    tax_exempt: 'none',
    tax_ids: [],
  }
}
