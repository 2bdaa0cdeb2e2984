import type Stripe from 'stripe'
import { newId } from './ids.ts'
import type { Ledger } from './ledger.ts'
import { mergeMetadata } from './metadata.ts'
import type { Item, LinkRecord, PaymentLink } from './records.ts'
import { found } from './refusal.ts'

/** What the caller of the API chose, already validated. Amounts in minor units of the currency. */
export type NewLink = {
  items: Item[]
  currency: string
  metadata: Stripe.Metadata
  paymentIntentMetadata: Stripe.Metadata
  paymentMethodTypes: string[] | null
  inactiveMessage: string | null
  completedSessionsLimit: number | null
}

export type LinkUpdate = {
  active?: boolean | undefined
  metadata?: Stripe.Metadata | null | undefined
  inactiveMessage?: string | null | undefined
}

export function createLink(ledger: Ledger, chosen: NewLink): PaymentLink {
  const id = newId('plink')
  const link: PaymentLink = {
    id,
    object: 'payment_link',
    active: true,
    after_completion: { type: 'hosted_confirmation', hosted_confirmation: { custom_message: null } },
    allow_promotion_codes: false,
    application: null,
    application_fee_amount: null,
    application_fee_percent: null,
    automatic_tax: { enabled: false, liability: null },
    billing_address_collection: 'auto',
    consent_collection: null,
    currency: chosen.currency,
    custom_fields: [],
    custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
    customer_creation: 'if_required',
    inactive_message: chosen.inactiveMessage,
    invoice_creation: null,
    livemode: false,
    managed_payments: null,
    metadata: chosen.metadata,
    on_behalf_of: null,
    payment_intent_data: {
      capture_method: null,
      description: null,
      metadata: chosen.paymentIntentMetadata,
      setup_future_usage: null,
      statement_descriptor: null,
      statement_descriptor_suffix: null,
      transfer_group: null,
    },
    payment_method_collection: 'always',
    payment_method_options: null,
    payment_method_types: chosen.paymentMethodTypes,
    phone_number_collection: { enabled: false },
    restrictions:
      chosen.completedSessionsLimit === null
        ? null
        : { completed_sessions: { count: 0, limit: chosen.completedSessionsLimit } },
    shipping_address_collection: null,
    shipping_options: [],
    submit_type: 'auto',
    subscription_data: null,
    tax_id_collection: { enabled: false, required: 'never' },
    transfer_data: null,
    url: `${ledger.publicUrl}/pay/${id}`,
  }
  return ledger.state.links.put({ id, link, items: chosen.items }).link
}

/** Changes a link. Sessions already open on it stay open, as at Stripe. */
export function updateLink(ledger: Ledger, record: LinkRecord, update: LinkUpdate): PaymentLink {
  const link: PaymentLink = {
    ...record.link,
    active: update.active ?? record.link.active,
    metadata: mergeMetadata(record.link.metadata, update.metadata),
    inactive_message: update.inactiveMessage === undefined ? record.link.inactive_message : update.inactiveMessage,
  }
  return ledger.state.links.put({ ...record, link }).link
}

/** Counts a completed session; the link whose limit that reaches deactivates itself. */
export function countCompletion(ledger: Ledger, linkId: string): void {
  const record = found(ledger.state.links.get(linkId), 'payment_link', linkId)
  const { restrictions } = record.link
  if (restrictions === null) return
  const { count, limit } = restrictions.completed_sessions
  const counted = { completed_sessions: { count: count + 1, limit } }
  const link: PaymentLink = { ...record.link, restrictions: counted }
  ledger.state.links.put({ ...record, link: { ...link, active: link.active && !isAtLimit(link) } })
}

export function isAtLimit(link: PaymentLink): boolean {
  const sessions = link.restrictions?.completed_sessions
  return sessions !== undefined && sessions.count >= sessions.limit
}

/** The link of an id, or of the URL a customer was sent. */
export function findLink(ledger: Ledger, linkIdOrUrl: string): LinkRecord {
  const id = linkIdOrUrl.split(/[?#]/)[0]?.split('/').at(-1) ?? linkIdOrUrl
  return found(ledger.state.links.get(id), 'payment_link', id)
}
