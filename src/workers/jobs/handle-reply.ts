import { GRACE_MS, PARKED_AFTER } from '../../db/due/parking.ts'
import { InboxRow, type Provider, type Unlock } from '../../db/entities/index.ts'
import { lockInboxRow, markFailed, markProcessed, sentAtOf } from '../../db/inbox/inbox.ts'
import { findAnsweredOffer, findOffer } from '../../db/leads/answered-offer.ts'
import { addNotice, countRecent } from '../../db/ledger/messages.ts'
import { after } from '../../db/postgres/clock.ts'
import type { EntityManager } from '../../db/postgres/orm.ts'
import { findProviderIdByPhone } from '../../db/providers/providers.ts'
import { forgetStop } from '../../db/providers/stopped-numbers.ts'
import { lockProvider, subscribe, unsubscribe } from '../../db/providers/subscriptions.ts'
import { applyToLocked, lockUnlock } from '../../db/unlocks/apply-event.ts'
import type { Due } from '../../domain/due.ts'
import { gatewayActsOnStop } from '../../domain/gateway-words.ts'
import { type InboundSms, readInboundSms } from '../../domain/inbound.ts'
import type { Purpose } from '../../domain/outbound.ts'
import { classifyReply, type Reply } from '../../domain/replies.ts'
import { explainReplyText, helpText, notOnOfferText } from '../../domain/texts.ts'
import type { JobDeps } from '../deps.ts'
import { isFinal } from '../errors.ts'
import { readCallback } from '../inbox-body.ts'
import { defineJob } from '../job.ts'
import { recordAndPublish } from '../record-and-publish.ts'

/** Earlier texts of the same sender that the sweep has woken up so often in vain no longer hold up the later ones. */
const MAX_ATTEMPTS_AHEAD = 3

const MAX_EXPLANATIONS_PER_HOUR = 5

/** What a provider texted, handled once and in the order it arrived. */
export const handleReply = defineJob({
  name: 'handle-reply',

  async run(deps, { inbox_id }) {
    for (const id of await earlierTexts(deps, inbox_id)) await handleEarlier(deps, id)
    await handleOne(deps, inbox_id)
  },

  async onFailed(deps, { inbox_id }, code) {
    await recordAndPublish(deps, (tx) => markFailed(tx, inbox_id, 'inbox_failed', code))
  },
})

/** The texts of this sender still to be handled before this one, oldest first. */
async function earlierTexts(deps: JobDeps, inboxId: number): Promise<number[]> {
  const rows = await deps.em.execute<{ id: string }[]>(
    `select earlier.id from webhook_inbox earlier, webhook_inbox mine
     where mine.id = ? and mine.status = 'received' and earlier.status = 'received' and earlier.source = mine.source
       and earlier.id < mine.id and earlier.provider_id = mine.provider_id and earlier.attempts < ?
       and earlier.next_attempt_at < ?
     order by earlier.id limit 50`,
    [inboxId, MAX_ATTEMPTS_AHEAD, PARKED_AFTER],
  )
  return rows.map(({ id }) => Number(id))
}

/** One that can never be handled is left to its own job, which calls a person: it holds up nobody else's. */
async function handleEarlier(deps: JobDeps, inboxId: number): Promise<void> {
  try {
    await handleOne(deps, inboxId)
  } catch (error) {
    if (!isFinal(error)) throw error
  }
}

async function handleOne(deps: JobDeps, inboxId: number): Promise<void> {
  const row = await deps.em.fork().findOne(InboxRow, { id: inboxId })
  if (row?.status !== 'received') return
  const sms = await readCallback(deps, row, readInboundSms, 'unreadable_sms')
  await recordAndPublish(deps, (tx) => decide(tx, deps, row, sms))
}

async function decide(tx: EntityManager, deps: JobDeps, unlocked: InboxRow, sms: InboundSms): Promise<Due[]> {
  const senderId = await findSenderId(tx, unlocked, sms)
  // Locked before the row, as everywhere: provider, then the rest.
  const provider = senderId === null ? null : await lockProvider(tx, senderId)
  const row = await lockInboxRow(tx, unlocked.id, 'received')
  if (row === null) return []
  const reply = classifyReply(sms.text)
  const due = await answer(tx, deps, { row, sms, provider, reply })
  if (due === null) return forward(row)
  await markProcessed(tx, row, reply.kind)
  return due
}

/** Whose text it is was decided when it arrived: numbers change hands. One who was nobody then may be known by now. */
async function findSenderId(tx: EntityManager, row: InboxRow, { phone }: InboundSms): Promise<string | null> {
  if (row.providerId != null) return row.providerId
  return phone === null ? null : findProviderIdByPhone(tx, phone)
}

type Arrived = { row: InboxRow; sms: InboundSms; provider: Provider | null; reply: Reply }

/** Handles what is ours. Returns null for what belongs to the fallback system. */
async function answer(tx: EntityManager, deps: JobDeps, arrived: Arrived): Promise<Due[] | null> {
  const { row, sms, provider, reply } = arrived
  const { phone } = sms
  const { brand } = deps.settings
  // Also of somebody we do not know: it may quote the details that a number's earlier owner paid for.
  if (reply.kind === 'tapback') return []
  // Of no phone: nobody here has sent it, and no answer would reach them.
  if (phone === null) return null
  if (reply.kind === 'help') {
    return say(tx, arrived, { id: provider?.id ?? null, phone }, 'help', helpText({ brand }))
  }
  const at = sentAtOf(row)
  if (provider === null) {
    if (reply.kind === 'start') await forgetStop(tx, phone, at)
    return null
  }
  switch (reply.kind) {
    case 'stop':
      return unsubscribe(tx, provider, at, {
        phone,
        confirm: true,
        tellGateway: !gatewayActsOnStop(sms.text),
        brand,
        inboxId: row.id,
      })
    case 'start':
      return subscribe(tx, provider, at, { phone, brand, inboxId: row.id })
    case 'names_lead':
      return explain(tx, arrived, provider, reply.leadId)
    case 'yes':
    case 'no':
      return onAnswer(tx, arrived, provider, reply.kind, reply.leadId)
    default:
      return null
  }
}

/** Beyond a few in an hour a person reads it: it may be a machine that answers ours with our own words. */
async function explain(tx: EntityManager, arrived: Arrived, provider: Provider, leadId: string): Promise<Due[] | null> {
  const isOffered = (await findOffer(tx, provider.id, leadId)) !== null
  const purpose = isOffered ? 'explain_reply' : 'not_on_offer'
  if ((await countRecent(tx, provider.id, purpose, 60)) >= MAX_EXPLANATIONS_PER_HOUR) return null
  const body = isOffered ? explainReplyText({ leadId }) : notOnOfferText({ leadId })
  return say(tx, arrived, provider, purpose, body)
}

async function onAnswer(
  tx: EntityManager,
  arrived: Arrived,
  provider: Provider,
  kind: 'yes' | 'no',
  leadId: string | null,
): Promise<Due[] | null> {
  // A Y never subscribes again, and nothing may be sent: what it would start could not be finished.
  if (provider.optedOutAt != null) return []
  const unlockId =
    leadId === null
      ? await findAnsweredOffer(tx, provider.id, kind, sentAtOf(arrived.row), arrived.row.dbNow)
      : await findOffer(tx, provider.id, leadId)
  if (unlockId !== null) {
    const unlock = await lockUnlock(tx, unlockId)
    if (unlock === null || !noteAnswer(unlock, arrived.row)) return []
    const event = { type: kind === 'yes' ? 'reply_yes' : 'reply_no' } as const
    return (await applyToLocked(tx, unlock, event, 'reply', { inboxId: arrived.row.id })).due
  }
  return leadId === null ? null : say(tx, arrived, provider, 'not_on_offer', notOnOfferText({ leadId }))
}

/**
 * Notes when a Y or N to an offer was texted. One that comes late does not undo the answer that was texted after it.
 *
 * @returns false for one that comes late, which changes nothing
 */
function noteAnswer(unlock: Unlock, { sentAt }: InboxRow): boolean {
  // Without the sender's time it counts as it comes.
  if (sentAt == null) return true
  if (unlock.answeredAt != null && unlock.answeredAt > sentAt) return false
  unlock.answeredAt = sentAt < unlock.dbNow ? sentAt : unlock.dbNow
  return true
}

function say(
  tx: EntityManager,
  { row }: Arrived,
  receiver: { id: string | null; phone: string },
  purpose: Purpose,
  body: string,
): Promise<Due[]> {
  const dedupeKey = `${purpose}:inbox:${row.id}`
  return addNotice(tx, { purpose, dedupeKey, receiver, inboxId: row.id, body, now: row.dbNow })
}

function forward(row: InboxRow): Due[] {
  row.status = 'forwarding'
  row.attempts = 0
  // It may have waited for a person, whom nobody would ask again.
  row.nextAttemptAt = after(row.dbNow, GRACE_MS)
  return [{ job: 'forward-message', inbox_id: row.id }]
}
