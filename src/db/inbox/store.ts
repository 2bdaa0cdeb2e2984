import { createHash } from 'node:crypto'
import type { Due } from '../../domain/due.ts'
import type { DeliveryReceipt, InboundSms } from '../../domain/inbound.ts'
import { classifyReply } from '../../domain/replies.ts'
import type { InboxStatus } from '../entities/inbox-row.ts'
import { openEscalation } from '../escalations/escalations.ts'
import { type EntityManager, inTransaction } from '../postgres/orm.ts'
import { lockNumbersForStop, rememberStop } from '../providers/stopped-numbers.ts'
import type { Sealer } from '../sealing/sealing.ts'
import { insertInboxRow, type KeptInboxRow, type NewInboxRow } from './rows.ts'
import { handlingOf, type InboxSource } from './sources.ts'
import { insertTogether } from './store-together.ts'

/** What a gateway sent, as it came. */
export type Arrival = {
  raw: Buffer
  /** As it came: a form is read by the boundary in it, which may stand at its end. */
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

/** Keeps what gateways send. */
export type Inbox = {
  /**
   * Keeps a text that somebody sent to us. A STOP takes effect in the same transaction, for its number and for the provider
   * who has it: from the moment it was answered 200 nothing more is claimed for sending to them (invariant 6 of
   * docs/decisions/019-simulation.md); the handle-reply job does the rest.
   */
  storeInboundSms(sms: InboundSms, arrival: Arrival): Promise<StoredArrival>
  /** Keeps what the gateway says became of a text of ours; each status of a message counts once. */
  storeReceipt(receipt: DeliveryReceipt, arrival: Arrival): Promise<StoredArrival>
  /**
   * Keeps an event of Stripe's whose signature was good.
   *
   * @param madeAt when what it tells of happened, as Stripe says, never later than now by the database's clock: a payment
   *   was in time or late by that; null when unknown, which is taken for now
   */
  storeStripeEvent(eventId: string, arrival: Arrival, madeAt: Date | null): Promise<StoredArrival>
  /** Keeps what an authenticated gateway sent and nobody can read, and calls a person; the same bytes count once. */
  storeUnintelligible(source: InboxSource, arrival: Arrival): Promise<StoredArrival>
  /** How many are not stored yet. */
  waiting(): number
}

type Entry = {
  source: InboxSource
  externalId: string
  status?: InboxStatus
  outcome?: string
  sentAt?: Date | null
  /** E.164; the row then names the provider with this number. */
  senderPhone?: string | null
}

/** Where the sealed body of an inbox row stands: `sealer.openBytes(row.sealedBody, inboxPlace(row.source, row.externalId))`. */
export function inboxPlace(source: string, externalId: string): string {
  return `webhook_inbox:${source}:${externalId}`
}

/** @param em the one to fork from; what is stored through one inbox at the same time is stored together */
export function createInbox(em: EntityManager, sealer: Sealer): Inbox {
  const { insert, waiting } = insertTogether(em)
  const keep = async (arrival: Arrival, entry: Entry) => stored(entry, await insert(newRow(sealer, arrival, entry)))
  const keepIn = async (tx: EntityManager, arrival: Arrival, entry: Entry) =>
    stored(entry, await insertInboxRow(tx, newRow(sealer, arrival, entry)))
  return {
    waiting,
    async storeInboundSms(sms, arrival) {
      const entry: Entry = {
        source: 'textmagic',
        externalId: sms.id,
        sentAt: sms.sentAt,
        senderPhone: sms.phone,
      }
      if (classifyReply(sms.text).kind !== 'stop') return keep(arrival, entry)
      return inTransaction(em, async (tx) => {
        await lockNumbersForStop(tx)
        const stored = await keepIn(tx, arrival, entry)
        if (stored.duplicate) return stored
        // The provider before their number, as everywhere: the job of an earlier text holds them in this order.
        await optOutSender(tx, stored.inboxId)
        if (sms.phone !== null) await rememberStop(tx, sms.phone, sms.sentAt)
        return stored
      })
    },
    storeReceipt: ({ id, status }, arrival) =>
      keep(arrival, { source: 'textmagic_delivery', externalId: `${id}:${status}` }),
    storeStripeEvent: (eventId, arrival, madeAt) =>
      keep(arrival, { source: 'stripe', externalId: eventId, sentAt: madeAt }),
    async storeUnintelligible(source, arrival) {
      const externalId = `unparsed:${createHash('sha256').update(arrival.raw).digest('hex')}`
      return inTransaction(em, async (tx) => {
        const stored = await keepIn(tx, arrival, { source, externalId, status: 'failed', outcome: 'unintelligible' })
        if (stored.duplicate) return stored
        const due = await openEscalation(tx, {
          kind: 'unintelligible_webhook',
          subject: `inbox:${stored.inboxId}`,
          summary: `A ${source} webhook of ${arrival.raw.length} bytes could not be understood (inbox row ${stored.inboxId}).`,
        })
        return { ...stored, due }
      })
    },
  }
}

function newRow(sealer: Sealer, { raw, contentType, requestId }: Arrival, entry: Entry): NewInboxRow {
  const { source, externalId } = entry
  return {
    source,
    externalId,
    contentType,
    sealedBody: sealer.seal(raw, inboxPlace(source, externalId)),
    status: entry.status ?? 'received',
    outcome: entry.outcome ?? null,
    sentAt: entry.sentAt ?? null,
    senderPhone: entry.senderPhone ?? null,
    requestId: requestId ?? null,
  }
}

function stored(entry: Entry, { id, duplicate, status }: KeptInboxRow): StoredArrival {
  const intelligible = entry.status !== 'failed'
  const due = intelligible && status === 'received' ? [handlingOf(entry.source, id)] : []
  return { inboxId: id, duplicate, intelligible, due }
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
