import { UNPAID_STATUSES } from '../../domain/states.ts'
import { oneOf } from '../postgres/one-of.ts'
import type { EntityManager } from '../postgres/orm.ts'

/** After its TTL an offer still answers a bare Y for this long; later such a text is none of ours. */
const BARE_REPLY_GRACE_MS = 24 * 3_600_000

/** The unlock of this lead that was offered to this provider; null also while its teaser is still to be sent. */
export async function findOffer(tx: EntityManager, providerId: string, leadId: string): Promise<number | null> {
  const [row] = await tx.execute<{ id: number }[]>(
    `select id from lead_unlocks
     where provider_id = ? and lead_id = ? and (status <> 'NEW_LEAD' or teaser_sent_at is not null)`,
    [providerId, leadId],
  )
  return row?.id ?? null
}

/** The gateway's clock may be behind ours by so much when it says when a text was sent. */
const CLOCK_TOLERANCE_MS = 120_000

/**
 * The unlock that a bare Y or N answers: of the open offers the one whose teaser went out last; when none is open, for a Y
 * the latest that was open until recently, so that it can be reopened, sent again, or said to have expired. An offer that
 * came after the text is meant only when there was none before: a text may reach us late. One that was open when it was
 * texted counts as open, whatever has ended it since: none older is answered in its place.
 *
 * @param sentAt when it was texted
 * @param now by the database's clock, read once: asked for each row it made a provider's years of offers ten times as slow
 */
export async function findAnsweredOffer(
  tx: EntityManager,
  providerId: string,
  answer: 'yes' | 'no',
  sentAt: Date,
  now: Date,
): Promise<number | null> {
  const seenBy = new Date(sentAt.getTime() + CLOCK_TOLERANCE_MS)
  const offer =
    (await findLatest(tx, providerId, { sentAt, seenBy, now })) ??
    (await findLatest(tx, providerId, { sentAt, seenBy: now, now }))
  return offer !== null && (offer.isOpen || answer === 'yes') ? offer.id : null
}

const UNPAID = oneOf(UNPAID_STATUSES)

/**
 * Offers that were open when it was texted (`was_open`) come first, or an older one would be answered in the place of one that
 * ended while the text was on its way. An offer was open before its TTL, if
 * - it is open still, or
 * - a Y or N that was texted later has answered it: both times are of the gateway's clock, since ours tells only which of two
 *   texts was handled first; or
 * - something else has ended it since: a payment, an operator, the TTL, also where a Y or N found it to have passed.
 *
 * Among them a teaser that the carrier lost, or of which nobody knows whether it arrived, comes after those that did.
 *
 * @param seenBy teasers sent later are not meant; of a text that is handled at once it may be a time to come
 */
async function findLatest(
  tx: EntityManager,
  providerId: string,
  { sentAt, seenBy, now }: { sentAt: Date; seenBy: Date; now: Date },
): Promise<{ id: number; isOpen: boolean } | null> {
  const texted = seenBy < now ? seenBy : now
  const graceBegan = new Date(now.getTime() - BARE_REPLY_GRACE_MS)
  const [row] = await tx.execute<{ id: number; is_open: boolean }[]>(
    `select id, is_open from (
       select *, ttl_expires_at > ? and status in ${UNPAID} as is_open,
         ttl_expires_at > ? and (status in ${UNPAID} or coalesce(answered_at > ?, false) or exists (
           select from unlock_events where unlock_id = u.id and at > ? and (cause <> 'reply' or u.closed_reason = 'ttl')
             and from_status in ${UNPAID} and to_status not in ${UNPAID})) as was_open
       from lead_unlocks u
       where provider_id = ? and teaser_sent_at <= ? and ttl_expires_at > ?) offers
     order by was_open desc, exists (select from outbound_messages
         where unlock_id = offers.id and purpose = 'teaser' and status in ('unknown', 'undelivered')),
       teaser_sent_at desc, id desc limit 1`,
    [now, texted, sentAt, texted, providerId, seenBy, texted < graceBegan ? texted : graceBegan],
  )
  return row === undefined ? null : { id: row.id, isOpen: row.is_open }
}
