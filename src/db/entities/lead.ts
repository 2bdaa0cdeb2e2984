import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

/** Locked fields are sealed: read and write them through db/leads/leads.ts. */
export const Lead = defineEntity({
  name: 'Lead',
  tableName: 'leads',
  properties: {
    id: p.string().primary(),
    city: p.string(),
    serviceType: p.string(),
    preferredTimeWindow: p.string().nullable(),
    budgetRange: p.string().nullable(),
    notesSnippet: p.string().nullable(),
    /** The terms it was posted with; null for leads from before these were kept. */
    offerPriceCents: p.integer().nullable(),
    offerCurrency: p.string().nullable(),
    offerTtlHours: p.float().nullable(),
    /** Null once erased, like the rest of them. */
    clientName: p.string().nullable(),
    clientPhone: p.string().nullable(),
    clientEmail: p.string().nullable(),
    exactAddress: p.string().nullable(),
    contactErasedAt: p.datetime().nullable(),
    createdAt: p.datetime().defaultRaw('app_now()'),
  },
})
export type Lead = InferEntity<typeof Lead>
