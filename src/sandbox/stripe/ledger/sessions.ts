import type Stripe from 'stripe'
import { newId } from './ids.ts'
import { type Ledger, noCause } from './ledger.ts'
import { findLink, isAtLimit } from './links.ts'
import type { EventCause, LinkRecord, Session } from './records.ts'
import { Refusal } from './refusal.ts'

const sessionLifetimeSeconds = 24 * 60 * 60

/** What tests may have Stripe do differently from what the link says, to see that nobody trusts it blindly. */
export type SessionOverrides = {
  /** Minor units. */
  amount?: number | undefined
  currency?: string | undefined
  metadata?: Stripe.Metadata | undefined
  /** Open it although the link is inactive. */
  force?: boolean | undefined
}

/** The customer opens the link. Throws a Refusal when the link is inactive. */
export function openSession(ledger: Ledger, linkIdOrUrl: string, overrides: SessionOverrides = {}): Session {
  const record = findLink(ledger, linkIdOrUrl)
  if (overrides.force !== true && !isPayable(record)) {
    throw new Refusal('link_inactive', `Payment link ${record.id} is not active`)
  }
  return ledger.state.sessions.put(newSession(ledger, record, overrides))
}

/** Whether a customer who visits the link now can pay. */
export function isPayable({ link }: LinkRecord): boolean {
  return link.active && !isAtLimit(link)
}

/** Ends an open session, as the API, the dashboard or its age does. */
export function expireSession(ledger: Ledger, session: Session, cause: EventCause = noCause): Session {
  if (session.status !== 'open') {
    throw new Refusal('session_not_open', `Checkout Session ${session.id} is ${session.status}, not open`)
  }
  const expired = ledger.state.sessions.put({ ...session, status: 'expired', url: null })
  ledger.emit('checkout.session.expired', expired, cause)
  return expired
}

/** Expires the sessions whose 24 hours are over by the emulator's clock. */
export function expireDueSessions(ledger: Ledger): void {
  for (const session of ledger.state.sessions.all()) {
    if (session.status === 'open' && session.expires_at <= ledger.clock.seconds()) expireSession(ledger, session)
  }
}

function newSession(ledger: Ledger, { link, items }: LinkRecord, overrides: SessionOverrides): Session {
  const id = newId('cs_test', 58)
  const created = ledger.clock.seconds()
  const amount = overrides.amount ?? items.reduce((sum, item) => sum + item.unitAmount * item.quantity, 0)
  return {
    id,
    object: 'checkout.session',
    adaptive_pricing: { enabled: false },
    after_expiration: null,
    allow_promotion_codes: link.allow_promotion_codes,
    allowed_payment_method_types: null,
    amount_subtotal: amount,
    amount_total: amount,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    billing_address_collection: 'auto',
    cancel_url: null,
    client_reference_id: null,
    client_secret: null,
    collected_information: null,
    consent: null,
    consent_collection: null,
    created,
    currency: overrides.currency ?? link.currency,
    currency_conversion: null,
    custom_fields: [],
    custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
    customer: null,
    customer_account: null,
    customer_creation: link.customer_creation,
    customer_details: null,
    customer_email: null,
    discounts: [],
    expires_at: created + sessionLifetimeSeconds,
    integration_identifier: null,
    invoice: null,
    invoice_creation: null,
    livemode: false,
    locale: 'auto',
    managed_payments: null,
    metadata: overrides.metadata ?? link.metadata,
    mode: 'payment',
    origin_context: null,
    payment_intent: null,
    payment_link: link.id,
    payment_method_collection: 'if_required',
    payment_method_configuration_details: null,
    payment_method_options: null,
    payment_method_types: link.payment_method_types ?? ['card'],
    payment_status: 'unpaid',
    permissions: null,
    phone_number_collection: { enabled: false },
    recovered_from: null,
    saved_payment_method_options: null,
    setup_intent: null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status: 'open',
    submit_type: link.submit_type,
    subscription: null,
    success_url: null,
    total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
    ui_mode: 'hosted_page',
    url: `${ledger.publicUrl}/c/pay/${id}`,
    wallet_options: null,
  }
}
