import type { EntityManager } from '../postgres/orm.ts'

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

/**
 * How far apart the gateway's clock and ours may be, and how much later than others a text may be listed. Its times have
 * whole seconds only.
 */
const CLOCKS_APART_MINUTES = 10

export type RepliesWanted = {
  /** Texts from before cannot be about a lead. */
  from: Date
  /** Those from before were all listed once; `from` when none ever were. */
  unlistedFrom: Date
}

/** Which texts may be missing here. Null before the first lead. */
export async function repliesWanted(em: EntityManager): Promise<RepliesWanted | null> {
  const [row] = await em.execute<{ from_ms: string | null; unlisted_ms: string | null }[]>(
    `with wanted as (select min(created_at) as first_lead,
       (select listed_through from backfill_marks where source = 'textmagic') as listed_through from leads)
     select extract(epoch from first_lead - margin) * 1000 as from_ms,
       extract(epoch from greatest(first_lead, listed_through) - margin) * 1000 as unlisted_ms
     from wanted, make_interval(mins => ?) as margin`,
    [CLOCKS_APART_MINUTES],
  )
  if (row?.from_ms == null) return null
  return { from: new Date(Number(row.from_ms)), unlistedFrom: new Date(Number(row.unlisted_ms)) }
}

/** Every text up to then is in the inbox. @param newest the time of the newest, by the gateway's clock */
export async function recordRepliesListed(em: EntityManager, newest: Date): Promise<void> {
  await em.execute(
    `insert into backfill_marks (source, listed_through) values ('textmagic', least(?, app_now()))
     on conflict (source) do update
       set listed_through = greatest(backfill_marks.listed_through, excluded.listed_through)`,
    [newest],
  )
}

/** What Stripe is asked by for the payments on a link. */
export type LinkToAsk = { stripeId: string; unlockId: number; leadId: string }

/** Open links to ask Stripe about, those not asked about for longest first; each is put off until its next turn. */
export function claimOpenLinks(em: EntityManager, limit: number): Promise<LinkToAsk[]> {
  return em.execute<LinkToAsk[]>(
    `update payment_links l set next_attempt_at = app_now() + make_interval(mins => ?)
     from lead_unlocks u
     where u.id = l.unlock_id and l.id in (select id from payment_links where status = 'open'
       and next_attempt_at <= app_now() order by next_attempt_at limit ? for update skip locked)
     returning l.stripe_id as "stripeId", l.unlock_id as "unlockId", u.lead_id as "leadId"`,
    [LINK_EVERY_MINUTES, limit],
  )
}
