import type { EntityManager } from './orm.ts'

/** After its TTL an offer still answers a bare Y for this long; later such a text is none of ours. */
const BARE_REPLY_GRACE_HOURS = 24

/** The unlock of this lead that was offered to this provider, or null. */
export async function findOffer(tx: EntityManager, providerId: string, leadId: string): Promise<number | null> {
  const [row] = await tx.execute<{ id: number }[]>(
    'select id from lead_unlocks where provider_id = ? and lead_id = ?',
    [providerId, leadId],
  )
  return row?.id ?? null
}

/** The gateway's clock may be behind ours by so much, seconds, when it says when a text was sent. */
const CLOCK_TOLERANCE_SECONDS = 120

/**
 * The unlock that a bare Y or N answers: of the open offers the one whose teaser went out last; when none is open, for a Y
 * the latest that was open until recently, so that it can be reopened, sent again, or said to have expired. An offer that
 * came after the text is meant only when there was none before: a text may reach us late.
 *
 * @param sentAt when it was texted
 */
export async function findAnsweredOffer(
  tx: EntityManager,
  providerId: string,
  answer: 'yes' | 'no',
  sentAt: Date,
): Promise<number | null> {
  const seenBy = new Date(sentAt.getTime() + CLOCK_TOLERANCE_SECONDS * 1000)
  for (const sentBefore of [seenBy, null]) {
    const open = await findOpen(tx, providerId, sentBefore)
    if (open !== null) return open
    const recent = await findRecent(tx, providerId, sentBefore)
    if (recent !== null) return answer === 'yes' ? recent : null
  }
  return null
}

/** A teaser that the carrier lost, or of which nobody knows whether it arrived, comes after those that did. */
async function findOpen(tx: EntityManager, providerId: string, sentBefore: Date | null): Promise<number | null> {
  const [row] = await tx.execute<{ id: number }[]>(
    `select id from lead_unlocks u
     where provider_id = ? and teaser_sent_at <= coalesce(?::timestamptz, teaser_sent_at) and ttl_expires_at > app_now()
       and status in ('NEW_LEAD','TEASER_SENT','AWAIT_CONFIRM','CHECK_EXISTING_PAYMENT','CREATE_PAYMENT_LINK',
         'PAYMENT_LINK_SENT','AWAITING_PAYMENT')
     order by exists (select from outbound_messages
         where unlock_id = u.id and purpose = 'teaser' and status in ('unknown', 'undelivered')),
       teaser_sent_at desc, id desc limit 1`,
    [providerId, sentBefore],
  )
  return row?.id ?? null
}

async function findRecent(tx: EntityManager, providerId: string, sentBefore: Date | null): Promise<number | null> {
  const [row] = await tx.execute<{ id: number }[]>(
    `select id from lead_unlocks
     where provider_id = ? and teaser_sent_at <= coalesce(?::timestamptz, teaser_sent_at)
       and ttl_expires_at > app_now() - make_interval(hours => ?)
     order by teaser_sent_at desc, id desc limit 1`,
    [providerId, sentBefore, BARE_REPLY_GRACE_HOURS],
  )
  return row?.id ?? null
}
