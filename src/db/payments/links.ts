import type { Due } from '../../domain/due.ts'
import type { LinkToAsk } from '../due/backfill.ts'
import { GRACE_MS } from '../due/parking.ts'
import { PaymentLink, type Unlock } from '../entities/index.ts'
import { addLinkMessage } from '../ledger/messages.ts'
import { after } from '../postgres/clock.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { applyEvent, lockUnlock } from '../unlocks/apply-event.ts'

/**
 * Whoever says Y and N in turn gets ever more links, and each Y asks Stripe about them one after the other. Those before the
 * newest were closed before these were made, and have been asked about since.
 */
const LINKS_ASKED_ABOUT = 10

/** The newest links of this unlock, by Stripe's id, oldest first. */
export async function linkIdsOf(em: EntityManager, unlockId: number): Promise<string[]> {
  const newest = { orderBy: { id: 'desc' }, limit: LINKS_ASKED_ABOUT } as const
  const links = await em.find(PaymentLink, { unlockId }, { fields: ['stripeId'], ...newest })
  return links.map(({ stripeId }) => stripeId).reverse()
}

/** A link to be closed at Stripe; `isPaid`: a payment on it is known. */
export type ClosingLink = LinkToAsk & { id: number; isPaid: boolean }

/** The links of an unlock that are to be closed, or the one of that id when it is. */
export function closingLinks(em: EntityManager, of: { linkId: number } | { unlockId: number }): Promise<ClosingLink[]> {
  const [column, id] = 'linkId' in of ? ['id', of.linkId] : ['unlock_id', of.unlockId]
  return em.execute<ClosingLink[]>(
    `select l.id, l.stripe_id as "stripeId", l.unlock_id as "unlockId", u.lead_id as "leadId",
       exists (select from payments where unlock_id = l.unlock_id and stripe_link_id = l.stripe_id) as "isPaid"
     from payment_links l join lead_unlocks u on u.id = l.unlock_id
     where l.${column} = ? and l.status = 'closing' order by l.id`,
    [id],
  )
}

/** The unlock that a checkout session belongs to, by its link. */
export async function unlockOfLink(tx: EntityManager, stripeLinkId: string | null): Promise<number | null> {
  if (stripeLinkId === null) return null
  const link = await tx.findOne(PaymentLink, { stripeId: stripeLinkId })
  return link?.unlockId ?? null
}

/** Nothing paid was found here or at Stripe: a link may be made. Returns the unlock as it stands now. */
export async function recordNoPayment(tx: EntityManager, unlockId: number): Promise<Unlock> {
  const { unlock } = await applyEvent(tx, unlockId, { type: 'no_payment_found' }, 'no payment found')
  return unlock
}

/**
 * Records the link that Stripe made and puts its SMS on the ledger. When the unlock moved on meanwhile (STOP, N, TTL, a
 * payment), or has another link of this generation, nobody gets to see the link and it is closed.
 *
 * @param generation the one it was made for
 */
export async function recordLink(
  tx: EntityManager,
  unlockId: number,
  generation: number,
  link: { id: string; url: string },
): Promise<Due[]> {
  const unlock = await lockUnlock(tx, unlockId)
  if (unlock === null) return []
  const known = await tx.findOne(PaymentLink, { stripeId: link.id })
  if (known !== null) return []
  const extra = await extraGeneration(tx, unlockId, generation)
  const wanted = extra === null && unlock.status === 'CREATE_PAYMENT_LINK' && unlock.linkGeneration === generation
  const row = tx.create(PaymentLink, {
    unlockId,
    generation: extra ?? generation,
    stripeId: link.id,
    url: link.url,
    status: wanted ? 'open' : 'closing',
    nextAttemptAt: after(unlock.dbNow, GRACE_MS),
  })
  await tx.flush()
  if (!wanted) return [{ job: 'close-payment-link', payment_link_id: row.id }]
  unlock.paymentLinkId = link.id
  unlock.paymentLinkUrl = link.url
  await tx.flush()
  await addLinkMessage(tx, unlock, 'first')
  return []
}

/**
 * A worker that stood still makes a link under an older key though another has made and recorded the one of that generation.
 *
 * @returns a number below zero that no other link of the unlock has; null when the generation has no link yet
 */
async function extraGeneration(tx: EntityManager, unlockId: number, generation: number): Promise<number | null> {
  const links = await tx.find(PaymentLink, { unlockId })
  if (!links.some((link) => link.generation === generation)) return null
  return Math.min(0, ...links.map((link) => link.generation)) - 1
}

/**
 * The next try takes a new idempotency key: Stripe would answer the old one the same for ever.
 *
 * @param failed the unlock as it was when its attempt failed; when another worker's try under the same key failed as
 *   well, they take the next one together, so that they make one link
 */
export async function takeNewLinkAttempt(
  tx: EntityManager,
  failed: Pick<Unlock, 'id' | 'linkGeneration' | 'linkAttempt'>,
): Promise<void> {
  const unlock = await lockUnlock(tx, failed.id)
  if (unlock?.linkGeneration === failed.linkGeneration && unlock.linkAttempt === failed.linkAttempt) {
    unlock.linkAttempt += 1
  }
}

/** Stripe was asked for links that no row told of, up to the unlock's newest: nothing is left to look for. */
export async function recordLinksLookedFor(
  em: EntityManager,
  { id, linkGeneration }: Pick<Unlock, 'id' | 'linkGeneration'>,
): Promise<void> {
  await em.execute(
    'update lead_unlocks set link_unrecorded = false where id = ? and link_generation = ? and link_unrecorded',
    [id, linkGeneration],
  )
}

/**
 * A link is closed at Stripe, and whatever kept it open is mended: also what is reported while the link's row is waited for,
 * which a single statement would not see.
 */
export async function recordClosed(em: EntityManager, linkId: number): Promise<void> {
  await em.execute(
    `update payment_links set status = 'closed', closed_at = coalesce(closed_at, app_now()) where id = ?;
     update escalations set resolved_at = app_now(), resolved_by = 'link closed'
       where resolved_at is null and subject = ? and kind = 'link_not_closed'`,
    [linkId, `link:${linkId}`],
  )
}
