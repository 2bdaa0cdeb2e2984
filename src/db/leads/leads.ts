import { LockMode } from '@mikro-orm/core'
import { newLeadId } from '../../domain/lead-id.ts'
import { Lead } from '../entities/index.ts'
import type { EntityManager } from '../postgres/orm.ts'
import type { Sealer } from '../sealing/sealing.ts'
import type { OfferTerms } from './offers.ts'

/** The client's contact details: nobody sees them before paying. */
export type LockedFields = {
  clientName: string
  clientPhone: string
  clientEmail: string | null
  exactAddress: string | null
}

export type NewLead = LockedFields & {
  city: string
  serviceType: string
  preferredTimeWindow: string | null
  budgetRange: string | null
  notesSnippet: string | null
  /** On which it is offered, now and later, where no others are named. */
  terms: OfferTerms
}

/** There are no contact details any more that could be offered. */
export class ContactErasedError extends Error {
  override readonly name = 'ContactErasedError'
  readonly code = 'contact_erased'
}

const ID_ATTEMPTS = 5

/** Where a sealed value stands; it opens nowhere else. */
export function leadPlace(column: string, leadId: string): string {
  return `leads.${column}:${leadId}`
}

/**
 * Stores a lead under a new id, its locked fields sealed.
 *
 * @param tx an open transaction
 * @param newId makes a candidate id; another is tried when it is taken
 */
export async function insertLead(
  tx: EntityManager,
  sealer: Sealer,
  lead: NewLead,
  newId: () => string = newLeadId,
): Promise<Lead> {
  for (let attempt = 0; attempt < ID_ATTEMPTS; attempt += 1) {
    const id = newId()
    const seal = (column: string, value: string | null) =>
      value === null ? null : sealer.seal(value, leadPlace(column, id))
    const inserted = await tx.execute<{ id: string }[]>(
      `insert into leads (id, city, service_type, preferred_time_window, budget_range, notes_snippet,
         offer_price_cents, offer_currency, offer_ttl_hours, client_name, client_phone, client_email, exact_address)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do nothing returning id`,
      [
        id,
        lead.city,
        lead.serviceType,
        lead.preferredTimeWindow,
        lead.budgetRange,
        lead.notesSnippet,
        lead.terms.priceCents,
        lead.terms.currency,
        lead.terms.ttlHours,
        seal('client_name', lead.clientName),
        seal('client_phone', lead.clientPhone),
        seal('client_email', lead.clientEmail),
        seal('exact_address', lead.exactAddress),
      ],
    )
    if (inserted.length > 0) return tx.findOneOrFail(Lead, { id })
  }
  throw new Error(`no free lead id in ${ID_ATTEMPTS} attempts`)
}

/**
 * Locks a lead whose contact details are there, so that they stay until the transaction ends.
 *
 * @throws {ContactErasedError}
 */
export async function lockLeadForOffer(tx: EntityManager, id: string): Promise<Lead | null> {
  const lead = await tx.findOne(Lead, { id }, { lockMode: LockMode.PESSIMISTIC_READ })
  if (lead?.contactErasedAt != null) throw new ContactErasedError()
  return lead
}

/** Whether a lead's contact details are gone. Asked under the lock of one of its unlocks, the answer stays true. */
export async function isContactErased(tx: EntityManager, leadId: string): Promise<boolean> {
  const rows = await tx.execute<object[]>('select from leads where id = ? and contact_erased_at is not null', [leadId])
  return rows.length > 0
}

/** The terms that a lead was posted with; null for one from before these were kept. */
export function postedTerms(lead: Lead): OfferTerms | null {
  const { offerPriceCents: priceCents, offerCurrency: currency, offerTtlHours: ttlHours } = lead
  return priceCents == null || currency == null || ttlHours == null ? null : { priceCents, currency, ttlHours }
}

export function findLead(em: EntityManager, id: string): Promise<Lead | null> {
  return em.findOne(Lead, { id })
}

/**
 * Opens a lead's locked fields. The caller answers for the right to see them: a paid unlock, or an audited admin.
 *
 * @returns null when they were erased
 * @throws {UnsealError} when a value was tampered with or its key is no longer configured
 */
export function openLockedFields(sealer: Sealer, lead: Lead): LockedFields | null {
  const { clientName, clientPhone } = lead
  if (clientName == null || clientPhone == null) return null
  const open = (column: string, sealed: string) => sealer.open(sealed, leadPlace(column, lead.id))
  return {
    clientName: open('client_name', clientName),
    clientPhone: open('client_phone', clientPhone),
    clientEmail: lead.clientEmail == null ? null : open('client_email', lead.clientEmail),
    exactAddress: lead.exactAddress == null ? null : open('exact_address', lead.exactAddress),
  }
}
