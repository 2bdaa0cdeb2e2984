import { knownReplyIds, recordRepliesListed, repliesWanted } from '../../db/due/backfill.ts'
import { type Arrival, createInbox } from '../../db/inbox/store.ts'
import { readInboundSms, readSentAt } from '../../domain/inbound.ts'
import type { TextMagicReply } from '../../gateways/textmagic.ts'
import type { WorkerServices } from '../deps.ts'
import { keep, storeEach } from './keep.ts'

/**
 * Texts back to the last time that all of them were listed. Where a run ends that did not get that far, the next begins
 * anew: that the newest texts are known, from their callbacks or from such a run, says nothing about those before them.
 */
export async function missedReplies(services: WorkerServices, requestId: string): Promise<number> {
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

/**
 * Newest first. A text that comes while pages are asked for moves all others on by one, so that the next page repeats some of
 * the last. When as many came as a page holds, it repeats nothing else, and that is no reason to stop. Some lists answer
 * the last page again when asked for one beyond it: after two in a row that only repeat, this is taken to be one.
 */
async function listReplies(services: WorkerServices, from: Date): Promise<TextMagicReply[]> {
  const { replyPageSize } = services.settings
  const replies = new Map<string, TextMagicReply>()
  let repeated = 0
  for (let page = 1; ; page += 1) {
    const listed = await services.textmagic.listReplies({ limit: replyPageSize, page })
    const known = replies.size
    for (const reply of listed) replies.set(String(reply.id), reply)
    const newest = newestOf(listed)
    const isPast = newest !== null && newest < from
    repeated = replies.size === known ? repeated + 1 : 0
    if (listed.length < replyPageSize || repeated === 2 || isPast) return [...replies.values()]
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
  return storeEach(services, replies, async (reply) => {
    if (isBefore(reply, from)) return 0
    const sms = readInboundSms(reply)
    const store = (arrival: Arrival) =>
      sms === null ? inbox.storeUnintelligible('textmagic', arrival) : inbox.storeInboundSms(sms, arrival)
    return keep(services, requestId, store, reply)
  })
}
