import { createHash } from 'node:crypto'
import type { Due } from '../domain/due.ts'
import type { DeliveryReceipt, InboundSms } from '../domain/inbound.ts'
import { classifyReply } from '../domain/replies.ts'
import type { InboxSource, InboxStatus } from './entities/inbox-row.ts'
import { openEscalation } from './escalations.ts'
import type { EntityManager } from './orm.ts'
import { GRACE_MS } from './parking.ts'
import type { Sealer } from './sealing.ts'

/** What a gateway sent, as it came. */
export type Arrival = {
  raw: Buffer
  contentType: string
  requestId?: string | null
}

export type StoredArrival = {
  inboxId: number
  /** It had arrived before. */
  duplicate: boolean
  /** False for what nobody can read: it was kept for a person. */
  intelligible: boolean
  /** Wake-ups to publish after the commit; also for a duplicate that nobody has handled yet. */
  due: Due[]
}

type Entry = {
  source: InboxSource
  externalId: string
  job?: 'handle-reply' | 'handle-receipt' | 'handle-payment'
  status?: InboxStatus
  outcome?: string
  sentAt?: Date | null
  /** E.164; the row then names the provider with this number. */
  senderPhone?: string
}

const MAX_CONTENT_TYPE = 255

/** Where the sealed body of an inbox row stands: `sealer.openBytes(row.sealedBody, inboxPlace(row.source, row.externalId))`. */
export function inboxPlace(source: string, externalId: string): string {
  return `webhook_inbox:${source}:${externalId}`
}

/**
 * Keeps a text that somebody sent to us. A STOP takes effect in the same transaction: from the moment it was answered
 * 200 nothing more is claimed for sending to them (design §10, invariant 6); the handle-reply job does the rest.
 */
export function storeInboundSms(
  em: EntityManager,
  sealer: Sealer,
  sms: InboundSms,
  arrival: Arrival,
): Promise<StoredArrival> {
  const entry: Entry = {
    source: 'textmagic',
    externalId: sms.id,
    job: 'handle-reply',
    sentAt: sms.sentAt,
    senderPhone: sms.sender,
  }
  if (classifyReply(sms.text).kind !== 'stop') return insert(em.fork(), sealer, arrival, entry)
  return em.fork().transactional(async (tx) => {
    const stored = await insert(tx, sealer, arrival, entry)
    if (!stored.duplicate) await optOutSender(tx, stored.inboxId)
    return stored
  })
}

/** Keeps what the gateway says became of a text of ours; each status of a message counts once. */
export function storeReceipt(
  em: EntityManager,
  sealer: Sealer,
  receipt: DeliveryReceipt,
  arrival: Arrival,
): Promise<StoredArrival> {
  const entry: Entry = {
    source: 'textmagic_delivery',
    externalId: `${receipt.id}:${receipt.status}`,
    job: 'handle-receipt',
  }
  return insert(em.fork(), sealer, arrival, entry)
}

/** Keeps an event of Stripe's whose signature was good. */
export function storeStripeEvent(
  em: EntityManager,
  sealer: Sealer,
  eventId: string,
  arrival: Arrival,
): Promise<StoredArrival> {
  const entry: Entry = { source: 'stripe', externalId: eventId, job: 'handle-payment' }
  return insert(em.fork(), sealer, arrival, entry)
}

/** Keeps what an authenticated gateway sent and nobody can read, and calls a person; the same bytes count once. */
export function storeUnintelligible(
  em: EntityManager,
  sealer: Sealer,
  source: InboxSource,
  arrival: Arrival,
): Promise<StoredArrival> {
  const externalId = `unparsed:${createHash('sha256').update(arrival.raw).digest('hex')}`
  return em.fork().transactional(async (tx) => {
    const stored = await insert(tx, sealer, arrival, {
      source,
      externalId,
      status: 'failed',
      outcome: 'unintelligible',
    })
    if (stored.duplicate) return stored
    const due = await openEscalation(tx, {
      kind: 'unintelligible_webhook',
      subject: `inbox:${stored.inboxId}`,
      summary: `A ${source} webhook of ${arrival.raw.length} bytes could not be understood (inbox row ${stored.inboxId}).`,
    })
    return { ...stored, due }
  })
}

/** One statement, which is its own transaction when there is none: an answer to a gateway waits for as little as possible. */
async function insert(em: EntityManager, sealer: Sealer, arrival: Arrival, entry: Entry): Promise<StoredArrival> {
  const [fresh] = await em.execute<{ id: string }[]>(
    `insert into webhook_inbox (source, external_id, content_type, sealed_body, status, outcome, sent_at, provider_id,
       request_id, next_attempt_at)
     values (?, ?, ?, ?, ?, ?, least(?::timestamptz, app_now()),
       (select id from providers where phone = ?), ?, app_now() + make_interval(secs => ?))
     on conflict (source, external_id) do nothing returning id`,
    [
      entry.source,
      entry.externalId,
      arrival.contentType.slice(0, MAX_CONTENT_TYPE),
      sealer.seal(arrival.raw, inboxPlace(entry.source, entry.externalId)),
      entry.status ?? 'received',
      entry.outcome ?? null,
      entry.sentAt ?? null,
      entry.senderPhone ?? null,
      arrival.requestId ?? null,
      GRACE_MS / 1000,
    ],
  )
  if (fresh !== undefined) return stored(Number(fresh.id), false, entry, 'received')
  const [known] = await em.execute<{ id: string; status: InboxStatus }[]>(
    'select id, status from webhook_inbox where source = ? and external_id = ?',
    [entry.source, entry.externalId],
  )
  if (known === undefined) throw new Error('an inbox row vanished between the insert and the look-up')
  return stored(Number(known.id), true, entry, known.status)
}

function stored(inboxId: number, duplicate: boolean, entry: Entry, status: InboxStatus): StoredArrival {
  const wanted = entry.job !== undefined && status === 'received'
  return {
    inboxId,
    duplicate,
    intelligible: entry.status !== 'failed',
    due: wanted ? [{ job: entry.job, inbox_id: inboxId } as Due] : [],
  }
}

/** By the sender's time: a STOP that arrives late does not undo a newer START. */
async function optOutSender(tx: EntityManager, inboxId: number): Promise<void> {
  await tx.execute(
    `update providers set opted_out_at = coalesce(opted_out_at, app_now()), updated_at = app_now(),
       subscription_changed_at = coalesce(i.sent_at, i.received_at)
     from webhook_inbox i
     where i.id = ? and providers.id = i.provider_id
       and (subscription_changed_at is null or subscription_changed_at <= coalesce(i.sent_at, i.received_at))`,
    [inboxId],
  )
}
