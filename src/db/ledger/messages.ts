import type { Due } from '../../domain/due.ts'
import { type Purpose, UNSENT_STATUSES } from '../../domain/outbound.ts'
import { paymentLinkText } from '../../domain/texts.ts'
import { GRACE_MS, PARKED_AFTER } from '../due/parking.ts'
import { OutboundMessage, Provider, type Unlock } from '../entities/index.ts'
import { after } from '../postgres/clock.ts'
import { oneOf } from '../postgres/one-of.ts'
import type { EntityManager } from '../postgres/orm.ts'

export type NewMessage = {
  purpose: Purpose
  /** One message per key, for ever: what makes a second send of the same thing impossible. */
  dedupeKey: string
  unlockId?: number | null
  /** Id null when the receiver is nobody we know. */
  receiver: { id: string | null; phone: string }
  paymentLinkId?: number | null
  inboxId?: number | null
  /** Null for a reveal: rendered when sent, never stored. */
  body: string | null
  /** It must not go out earlier; at once when absent. */
  notBefore?: Date
  /** The database's clock. */
  now: Date
}

/**
 * Puts a message on the ledger, once per `dedupeKey`.
 *
 * @returns its id, or null when it was there already
 */
export async function addMessage(tx: EntityManager, message: NewMessage): Promise<number | null> {
  const [row] = await tx.execute<{ id: number }[]>(
    `insert into outbound_messages
       (purpose, dedupe_key, unlock_id, provider_id, payment_link_id, inbox_id, phone, body, not_before, next_attempt_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (dedupe_key) do nothing returning id`,
    [
      message.purpose,
      message.dedupeKey,
      message.unlockId ?? null,
      message.receiver.id,
      message.paymentLinkId ?? null,
      message.inboxId ?? null,
      message.receiver.phone,
      message.body,
      message.notBefore ?? null,
      after(message.notBefore ?? message.now, GRACE_MS),
    ],
  )
  return row?.id ?? null
}

/** Like `addMessage`, for a text that is sent by the send-notice job. */
export async function addNotice(tx: EntityManager, message: NewMessage): Promise<Due[]> {
  const id = await addMessage(tx, message)
  return id === null ? [] : [{ job: 'send-notice', message_id: id }]
}

/**
 * Puts the SMS with the unlock's open link on the ledger, unless one is still to be sent or no link is open.
 *
 * @param key what tells this sending from the others of the same link: `first`, `again:<inbox id>`
 */
export async function addLinkMessage(tx: EntityManager, unlock: Unlock, key: string): Promise<void> {
  const [link] = await tx.execute<{ id: number; url: string }[]>(
    `select id, url from payment_links where unlock_id = ? and status = 'open'`,
    [unlock.id],
  )
  if (link === undefined) return
  const waiting = await tx.count(OutboundMessage, {
    unlockId: unlock.id,
    paymentLinkId: link.id,
    status: { $in: [...UNSENT_STATUSES] },
  })
  if (waiting > 0) return
  const provider = await tx.findOneOrFail(Provider, { id: unlock.providerId })
  await addMessage(tx, {
    purpose: 'payment_link',
    dedupeKey: `payment_link:${link.id}:${key}`,
    unlockId: unlock.id,
    receiver: provider,
    paymentLinkId: link.id,
    body: paymentLinkText({
      providerName: provider.name,
      priceCents: unlock.priceCents,
      currency: unlock.currency,
      url: link.url,
      leadId: unlock.leadId,
    }),
    now: unlock.dbNow,
  })
}

const UNSENT = oneOf(UNSENT_STATUSES)

const INSERT_REVEAL = `
  insert into outbound_messages (purpose, dedupe_key, unlock_id, provider_id, phone, next_attempt_at)
  select 'reveal', 'reveal:' || earlier.unlock_id || ':' || earlier.count + 1, earlier.unlock_id, p.id, p.phone, ?
  from providers p, (
    select ?::integer as unlock_id, count(*), count(*) filter (where status in ${UNSENT}) as unsent
    from outbound_messages where unlock_id = ? and purpose = 'reveal') earlier
  where p.id = ? and earlier.unsent = 0
  on conflict (dedupe_key) do nothing`

/** Puts a reveal on the ledger, unless one is still to be sent. @param unlock locked */
export async function addReveal(tx: EntityManager, unlock: Unlock): Promise<void> {
  await tx.execute(INSERT_REVEAL, revealValues(unlock))
}

/** The same for who has to know whether one was added: the answer costs a round trip to Postgres. */
export async function addAnotherReveal(tx: EntityManager, unlock: Unlock): Promise<boolean> {
  const added = await tx.execute<object[]>(`${INSERT_REVEAL} returning id`, revealValues(unlock))
  return added.length > 0
}

function revealValues(unlock: Unlock): unknown[] {
  return [after(unlock.dbNow, GRACE_MS), unlock.id, unlock.id, unlock.providerId]
}

/**
 * The money kept for an unlock goes back: details that wait for a person are made due again, so that their claim calls them
 * off. Nobody has their job run again once they are paid back, and for ever they would count as on their way: no others would
 * be written after another payment, and nobody be called that those before were lost.
 *
 * @param unlockId locked
 */
export async function callOffParkedReveals(tx: EntityManager, unlockId: number): Promise<void> {
  await tx.execute(
    `update outbound_messages set attempts = 0, next_attempt_at = app_now()
     where unlock_id = ? and purpose = 'reveal' and status in ${UNSENT} and next_attempt_at > ?`,
    [unlockId, PARKED_AFTER],
  )
}

/**
 * Makes teasers due that wait for a morning by a time zone that was wrong: their claim decides anew when they may go out.
 *
 * `is true` has the ids hashed once. As a join, of whose size Postgres knows nothing, they were read again for each teaser that
 * waits: with some hundreds waiting, an import of 20,000 providers took many seconds longer.
 *
 * @param providerIds locked, and given other time zones in this transaction
 */
export async function wakeWaitingTeasers(tx: EntityManager, providerIds: readonly string[]): Promise<Due[]> {
  const rows = await tx.execute<{ unlock_id: number }[]>(
    `update outbound_messages set not_before = null, next_attempt_at = app_now() + make_interval(secs => ?)
     where purpose = 'teaser' and status = 'pending' and not_before > app_now()
       and (provider_id in (select json_array_elements_text(?::json))) is true
     returning unlock_id`,
    [GRACE_MS / 1000, JSON.stringify(providerIds)],
  )
  return rows.map(({ unlock_id }) => ({ job: 'send-teaser', unlock_id }))
}

/** How many messages of a purpose the newest fifty of a provider hold, of the last so many minutes. */
export async function countRecent(
  tx: EntityManager,
  providerId: string,
  purpose: Purpose,
  minutes: number,
): Promise<number> {
  const [row] = await tx.execute<{ count: number }[]>(
    `select count(*)::integer as count from (
       select purpose, created_at from outbound_messages where provider_id = ? order by id desc limit 50) newest
     where purpose = ? and created_at > app_now() - make_interval(mins => ?)`,
    [providerId, purpose, minutes],
  )
  return row?.count ?? 0
}
