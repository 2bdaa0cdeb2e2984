import { randomUUID } from 'node:crypto'
import { claimOpenLinks, knownReplyIds, recordRepliesListed, repliesWanted } from '../../db/backfill.ts'
import { type Arrival, createInbox, type StoredArrival } from '../../db/inbox-store.ts'
import { isRefusedRow } from '../../db/refused-rows.ts'
import { databaseNow } from '../../db/subscriptions.ts'
import { readInboundSms, readSentAt } from '../../domain/inbound.ts'
import { RefusedError } from '../../gateways/errors.ts'
import { type FoundPayment, isRefunded, isTakenBack } from '../../gateways/stripe.ts'
import type { TextMagicReply } from '../../gateways/textmagic.ts'
import { BACKFILL_SOURCES, type BackfillSource } from '../../metrics/recurring.ts'
import type { WorkerServices } from '../deps.ts'
import { defineJob } from '../job.ts'

const DAY_MS = 86_400_000
/** Stripe itself stops retrying after three days and keeps events for thirty. */
const EVENTS_LOOKBACK_MS = 7 * DAY_MS
const LINKS_PER_RUN = 200

/** Every event the handle-payment job acts on. */
const EVENT_TYPES = [
  'checkout.session.completed',
  'checkout.session.async_payment_succeeded',
  'checkout.session.async_payment_failed',
  'checkout.session.expired',
  'charge.refunded',
  'refund.created',
  'refund.updated',
  'refund.failed',
  'charge.dispute.created',
  'charge.dispute.closed',
]

/**
 * Asks both gateways for what they told nobody while we were down, and puts it through the same inbox as their webhooks.
 * What one gateway does not answer does not keep the others from being asked.
 *
 * @param requestId the id of this run, kept with what it finds in place of the request that never came
 * @returns how many messages were new
 * @throws the first error, once every source was tried
 */
export async function backfillOnce(services: WorkerServices, requestId = `backfill:${randomUUID()}`): Promise<number> {
  const { recurring } = services.metrics
  const results = await Promise.allSettled(
    BACKFILL_SOURCES.map(async (source) => {
      const count = await SOURCES[source](services, requestId)
      recurring.found(source, count)
      return count
    }),
  )
  const found = results.reduce((sum, result) => sum + (result.status === 'fulfilled' ? result.value : 0), 0)
  if (found > 0) {
    services.log.info({ request_id: requestId, count: found }, 'backfill found what the webhooks had not brought')
  }
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  recurring.finished('backfill')
  return found
}

const SOURCES: Record<BackfillSource, (services: WorkerServices, requestId: string) => Promise<number>> = {
  replies: missedReplies,
  events: undeliveredEvents,
  sessions: paidSessions,
}

/**
 * Texts back to the last time that all of them were listed. Where a run ends that did not get that far, the next begins
 * anew: that the newest texts are known, from their callbacks or from such a run, says nothing about those before them.
 */
async function missedReplies(services: WorkerServices, requestId: string): Promise<number> {
  const wanted = await repliesWanted(services.db.em.fork())
  if (wanted === null) return 0
  const replies = await listReplies(services, wanted.unlistedFrom)
  const known = await knownReplyIds(
    services.db.em.fork(),
    replies.map(({ id }) => String(id)),
  )
  const missed = replies.filter(({ id }) => !known.has(String(id)))
  // Oldest first: replies of one sender are handled in the order they are stored.
  const stored = await storeReplies(services, requestId, missed.reverse(), wanted.from)
  const newest = newestOf(replies)
  if (newest !== null) await recordRepliesListed(services.db.em.fork(), newest)
  return stored
}

/** Newest first; a page that came in between repeats some, and one that only repeats is the last one again. */
async function listReplies(services: WorkerServices, from: Date): Promise<TextMagicReply[]> {
  const { replyPageSize } = services.settings
  const replies = new Map<string, TextMagicReply>()
  for (let page = 1; ; page += 1) {
    const listed = await services.textmagic.listReplies({ limit: replyPageSize, page })
    const known = replies.size
    for (const reply of listed) replies.set(String(reply.id), reply)
    const newest = newestOf(listed)
    const isPast = newest !== null && newest < from
    if (listed.length < replyPageSize || replies.size === known || isPast) return [...replies.values()]
  }
}

/** A text whose time cannot be read may be from any. */
function isBefore(reply: TextMagicReply, from: Date): boolean {
  const sentAt = readSentAt(reply)
  return sentAt !== null && sentAt < from
}

/** By those whose time can be read. */
function newestOf(replies: readonly TextMagicReply[]): Date | null {
  const times = replies.flatMap((reply) => readSentAt(reply)?.getTime() ?? [])
  return times.length === 0 ? null : new Date(times.reduce((newest, time) => Math.max(newest, time)))
}

function storeReplies(
  services: WorkerServices,
  requestId: string,
  replies: TextMagicReply[],
  from: Date,
): Promise<number> {
  const inbox = createInbox(services.db.em, services.sealer)
  return storeEach(replies, async (reply) => {
    if (isBefore(reply, from)) return 0
    const sms = readInboundSms(reply)
    const store = (arrival: Arrival) =>
      sms === null ? inbox.storeUnintelligible('textmagic', arrival) : inbox.storeInboundSms(sms, arrival)
    return keep(services, requestId, store, reply)
  })
}

async function undeliveredEvents(services: WorkerServices, requestId: string): Promise<number> {
  const now = await databaseNow(services.db.em.fork())
  const createdAfter = new Date(now.getTime() - EVENTS_LOOKBACK_MS)
  const events = services.stripe.listEvents({ types: EVENT_TYPES, createdAfter, deliverySuccess: false })
  const inbox = createInbox(services.db.em, services.sealer)
  return storeEach(events, (event) =>
    keep(services, requestId, (arrival) => inbox.storeStripeEvent(event.id, arrival), event),
  )
}

/** Payments on links we still wait for, whatever became of their events. */
async function paidSessions(services: WorkerServices, requestId: string): Promise<number> {
  const links = await claimOpenLinks(services.db.em.fork(), LINKS_PER_RUN)
  const inbox = createInbox(services.db.em, services.sealer)
  return storeEach(links, async ({ stripeId, unlockId, leadId }) => {
    const payments = await services.stripe.findPayments({ unlockId, leadId, linkIds: [stripeId] })
    const events = payments.flatMap((payment) => asEvents(payment, unlockId, leadId))
    return storeEach(events, (event) =>
      keep(services, requestId, (arrival) => inbox.storeStripeEvent(event.id, arrival), event),
    )
  })
}

/**
 * Stores what was found, one after the other. One that Postgres refuses, or that a gateway will not speak of, does not keep
 * those after it from being stored, a STOP for one.
 *
 * @param store answers how many were new
 * @throws the first error of those that were refused, once all were tried; any other error at once
 */
async function storeEach<T>(
  found: Iterable<T> | AsyncIterable<T>,
  store: (one: T) => Promise<number>,
): Promise<number> {
  const refusals: unknown[] = []
  let stored = 0
  for await (const one of found) {
    try {
      stored += await store(one)
    } catch (error) {
      if (!isRefusedRow(error) && !(error instanceof RefusedError)) throw error
      refusals.push(error)
    }
  }
  if (refusals.length > 0) throw refusals[0]
  return stored
}

/**
 * What the events we never got would have said, each under an id that tells it from others: none of money that is not with
 * us any more. The payment's own comes last: it ends the link, and nobody would ask again for those that a run did not get
 * to store. What comes before it waits for it.
 */
function asEvents(payment: FoundPayment, unlockId: number, leadId: string) {
  const { sessionId, paymentIntentId, amountCents, refundedCents } = payment
  if (sessionId === null || isRefunded(payment) || isTakenBack(payment)) return []
  const session = {
    id: sessionId,
    payment_status: 'paid',
    payment_link: payment.paymentLinkId,
    payment_intent: paymentIntentId,
    amount_total: amountCents,
    currency: payment.currency,
    metadata: { unlock_id: String(unlockId), lead_id: leadId },
  }
  const events = []
  if (refundedCents > 0) {
    const charge = {
      id: sessionId,
      payment_intent: paymentIntentId,
      amount: amountCents,
      amount_refunded: refundedCents,
    }
    events.push(asEvent(`${sessionId}:refunded:${refundedCents}`, 'charge.refunded', charge))
  }
  for (const { disputeId, status, closed } of payment.disputes) {
    const type = closed ? 'charge.dispute.closed' : 'charge.dispute.created'
    events.push(asEvent(`${disputeId}:${status}`, type, { id: disputeId, payment_intent: paymentIntentId, status }))
  }
  events.push(asEvent(sessionId, 'checkout.session.completed', session))
  return events
}

function asEvent(about: string, type: string, object: object) {
  return { id: `backfill:${about}`, type, data: { object } }
}

async function keep(
  services: WorkerServices,
  requestId: string,
  store: (arrival: Arrival) => Promise<StoredArrival>,
  content: unknown,
): Promise<number> {
  const stored = await store({ raw: Buffer.from(JSON.stringify(content)), contentType: 'application/json', requestId })
  if (stored.duplicate) return 0
  await services.publisher.publish(stored.due, { requestId })
  return 1
}

export const backfill = defineJob({
  name: 'backfill',

  async run(deps) {
    await backfillOnce(deps, deps.requestId)
  },

  async onFailed(deps, _payload, code) {
    deps.log.error({ error_code: code }, 'backfill failed; the next one is due soon')
  },
})
