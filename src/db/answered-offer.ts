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

/**
 * The unlock that a bare Y or N answers: of the open offers the one whose teaser went out last; when none is open, for a Y
 * the latest that was open until recently, so that it can be reopened, sent again, or said to have expired.
 */
export async function findAnsweredOffer(
  tx: EntityManager,
  providerId: string,
  answer: 'yes' | 'no',
): Promise<number | null> {
  const [open] = await tx.execute<{ id: number }[]>(
    `select id from lead_unlocks
     where provider_id = ? and teaser_sent_at is not null and ttl_expires_at > app_now() and status in
       ('NEW_LEAD','TEASER_SENT','AWAIT_CONFIRM','CHECK_EXISTING_PAYMENT','CREATE_PAYMENT_LINK','PAYMENT_LINK_SENT',
        'AWAITING_PAYMENT')
     order by teaser_sent_at desc, id desc limit 1`,
    [providerId],
  )
  if (open !== undefined || answer === 'no') return open?.id ?? null
  const [recent] = await tx.execute<{ id: number }[]>(
    `select id from lead_unlocks
     where provider_id = ? and teaser_sent_at is not null and ttl_expires_at > app_now() - make_interval(hours => ?)
     order by teaser_sent_at desc, id desc limit 1`,
    [providerId, BARE_REPLY_GRACE_HOURS],
  )
  return recent?.id ?? null
}
