import type { EntityManager } from './orm.ts'

/** Minutes between two questions about the same open link. */
const LINK_EVERY_MINUTES = 10

/** Which of these gateway ids are in the inbox already. */
export async function knownReplyIds(em: EntityManager, ids: readonly string[]): Promise<Set<string>> {
  const rows = await em.execute<{ external_id: string }[]>(
    `select external_id from webhook_inbox where source = 'textmagic' and external_id = any(?::text[])`,
    [`{${ids.filter((id) => /^\w+$/.test(id)).join(',')}}`],
  )
  return new Set(rows.map(({ external_id }) => external_id))
}

/** When the first lead was stored: texts from before cannot be about one. Null before that. */
export async function firstLeadAt(em: EntityManager): Promise<Date | null> {
  const [row] = await em.execute<{ ms: string | null }[]>(
    'select extract(epoch from min(created_at)) * 1000 as ms from leads',
  )
  return row?.ms == null ? null : new Date(Number(row.ms))
}

export type OpenLink = { stripeId: string; unlockId: number; leadId: string }

/** Open links to ask Stripe about, those not asked about for longest first; each is put off until its next turn. */
export async function claimOpenLinks(em: EntityManager, limit: number): Promise<OpenLink[]> {
  const rows = await em.execute<{ stripe_id: string; unlock_id: number; lead_id: string }[]>(
    `update payment_links l set next_attempt_at = app_now() + make_interval(mins => ?)
     from lead_unlocks u
     where u.id = l.unlock_id and l.id in (select id from payment_links where status = 'open'
       and next_attempt_at <= app_now() order by next_attempt_at limit ? for update skip locked)
     returning l.stripe_id, l.unlock_id, u.lead_id`,
    [LINK_EVERY_MINUTES, limit],
  )
  return rows.map((row) => ({ stripeId: row.stripe_id, unlockId: row.unlock_id, leadId: row.lead_id }))
}
