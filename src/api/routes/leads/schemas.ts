import { type Static, Type } from 'typebox'
import type { Lead, Unlock } from '../../../db/entities/index.ts'
import type { LockedFields } from '../../../db/leads/leads.ts'
import type { SkippedProvider } from '../../../db/leads/offers.ts'
import { UNLOCK_STATUSES } from '../../../domain/states.ts'
import { NullableText, Timestamp } from '../../fields.ts'

export const UnlockStatusSchema = Type.Enum([...UNLOCK_STATUSES])

export const LeadSchema = Type.Object({
  id: Type.String(),
  city: Type.String(),
  service_type: Type.String(),
  preferred_time_window: NullableText,
  budget_range: NullableText,
  notes_snippet: NullableText,
  created_at: Timestamp,
  contact_erased_at: Type.Optional({
    ...Timestamp,
    description: 'Present once the contact details and the notes are erased',
  }),
})

export const LeadWithLockedFieldsSchema = Type.Object({
  ...LeadSchema.properties,
  client_name: Type.Optional(NullableText),
  client_phone: Type.Optional(NullableText),
  client_email: Type.Optional(NullableText),
  exact_address: Type.Optional(NullableText),
})

export const OfferedUnlockSchema = Type.Object({
  id: Type.Integer(),
  provider_id: Type.String(),
  status: UnlockStatusSchema,
  price_cents: Type.Integer(),
  currency: Type.String(),
  ttl_expires_at: Timestamp,
})

export const SkippedSchema = Type.Object({
  provider_id: Type.String(),
  reason: Type.Enum(['opted_out', 'already_sent']),
})

/** A lead as everybody with a key may see it: without its locked fields. */
export function leadView(lead: Lead): Static<typeof LeadSchema> {
  return {
    id: lead.id,
    city: lead.city,
    service_type: lead.serviceType,
    preferred_time_window: lead.preferredTimeWindow ?? null,
    budget_range: lead.budgetRange ?? null,
    notes_snippet: lead.notesSnippet ?? null,
    created_at: lead.createdAt.toISOString(),
    ...(lead.contactErasedAt == null ? {} : { contact_erased_at: lead.contactErasedAt.toISOString() }),
  }
}

/** @param locked null when they were erased */
export function lockedFieldsView(locked: LockedFields | null) {
  return {
    client_name: locked?.clientName ?? null,
    client_phone: locked?.clientPhone ?? null,
    client_email: locked?.clientEmail ?? null,
    exact_address: locked?.exactAddress ?? null,
  }
}

export function offeredUnlockView(unlock: Unlock): Static<typeof OfferedUnlockSchema> {
  return {
    id: unlock.id,
    provider_id: unlock.providerId,
    status: unlock.status,
    price_cents: unlock.priceCents,
    currency: unlock.currency,
    ttl_expires_at: unlock.ttlExpiresAt.toISOString(),
  }
}

export function skippedView({ providerId, reason }: SkippedProvider) {
  return { provider_id: providerId, reason }
}
