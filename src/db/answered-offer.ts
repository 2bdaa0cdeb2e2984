import { UNPAID_STATUSES } from '../domain/states.ts'
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
 * came after the text is meant only when there was none before: a text may reach us late. One that was open when it was
 * texted counts as open, whatever has ended it since: none older is answered in its place.
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
  const offer = (await findLatest(tx, providerId, sentAt, seenBy)) ?? (await findLatest(tx, providerId, sentAt, null))
  return offer !== null && (offer.isOpen || answer === 'yes') ? offer.id : null
}

const UNPAID = `('${UNPAID_STATUSES.join("','")}')`

/**
 * Offers that are open, or were when it was texted, come first; a teaser that the carrier lost, or of which nobody knows
 * whether it arrived, comes after those that did. Which of two answers came first is told by the gateway's clock alone.
 *
 * @param seenBy of a text that is handled later than that; null, or a time to come, for one that is handled at once
 */
async function findLatest(
  tx: EntityManager,
  providerId: string,
  sentAt: Date,
  seenBy: Date | null,
): Promise<{ id: number; isOpen: boolean } | null> {
  const [row] = await tx.execute<{ id: number; is_open: boolean }[]>(
    `select id, is_open
     from (select least(?::timestamptz, app_now()) as at) texted, lateral (
       select *, ttl_expires_at > app_now() and status in ${UNPAID} as is_open,
         ttl_expires_at > texted.at and (answered_at > ? or exists (
           select from unlock_events where unlock_id = u.id and at > texted.at and cause <> 'reply'
             and from_status in ${UNPAID} and to_status not in ${UNPAID})) as was_open
       from lead_unlocks u
       where provider_id = ? and teaser_sent_at <= coalesce(?::timestamptz, teaser_sent_at)
         and ttl_expires_at > least(texted.at, app_now() - make_interval(hours => ?))) offers
     order by is_open or coalesce(was_open, false) desc, exists (select from outbound_messages
         where unlock_id = offers.id and purpose = 'teaser' and status in ('unknown', 'undelivered')),
       teaser_sent_at desc, id desc limit 1`,
    [seenBy, sentAt, providerId, seenBy, BARE_REPLY_GRACE_HOURS],
  )
  return row === undefined ? null : { id: row.id, isOpen: row.is_open }
}
