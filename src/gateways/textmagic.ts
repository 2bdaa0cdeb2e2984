import type { SendClass } from '../domain/outbound.ts'
import { readJson } from './answers.ts'
import { errorOfReadStatus, errorOfStatus, isSuccess } from './classify.ts'
import { UnclearError } from './errors.ts'
import { messageSchema, replyPageSchema, type TextMagicReply } from './textmagic/answers.ts'
import { createTextMagicApi, type TextMagicApiOptions } from './textmagic/api.ts'
import { findByReference, type LookUp } from './textmagic/lookup.ts'
import { digitsOf } from './textmagic/phones.ts'
import { type Sms, sendSms } from './textmagic/send.ts'

export type { TextMagicReply } from './textmagic/answers.ts'
export { SENDER_REFUSED, type Sms } from './textmagic/send.ts'

/** What can go wrong is told by the error's class (errors.ts); for a call that only reads, each means: ask again later. */
export type TextMagic = {
  /**
   * Waits for a slot of the shared send limit. Take it before claiming a message, or asking whether a number is still to be
   * unsubscribed: what happens during the wait, a STOP or a START for one, is then seen.
   *
   * @throws NotDoneError
   */
  takeSlot(sendClass: SendClass): Promise<void>
  /**
   * Sends one SMS in the slot taken before.
   *
   * @returns the gateway's id of the message it accepted
   * @throws NotDoneError (`deadline_passed` among others), RefusedError (`SENDER_REFUSED`: send it once more, in another
   * slot, without our sender), or UnclearError: then look it up before sending it again
   */
  send(sms: Sms): Promise<{ gatewayId: string }>
  /**
   * Finds a message by our reference and its receiver, among the sends since shortly before `since`.
   *
   * @returns null when the gateway does not show it. A send still in flight may show up later: ask no sooner than its
   * timeout after it was made.
   * @throws UnclearError `not_looked_far_enough` rather than answering null without having seen every send since then
   */
  findByReference(lookUp: LookUp): Promise<{ gatewayId: string } | null>
  /**
   * @returns the delivery status, one letter (see `receiptOutcome`), and why it was rejected if it was; null for an unknown id
   */
  getMessage(gatewayId: string): Promise<{ status: string; rejectReason: string | null } | null>
  /** @returns one page of the texts people sent us, newest first; empty past the last. Pages count from 1. */
  listReplies(page: { limit: number; page: number }): Promise<TextMagicReply[]>
  /** Has the gateway block a number (E.164) that opted out with a word it does not know itself, in the slot taken before. */
  unsubscribe(phone: string): Promise<void>
  close(): Promise<void>
}

/** What the TextMagic client is made of. */
export type TextMagicOptions = Omit<TextMagicApiOptions, 'timeoutMs'> & {
  /** The number texts come from; empty for the account's own choice. */
  from: string
  /** Milliseconds for each HTTP call; 10 000 when absent. */
  timeoutMs?: number
}

/** A client of TextMagic's REST API v2. Every HTTP call takes a slot of the shared send limit; none is repeated by itself. */
export function createTextMagic({ from, timeoutMs = 10_000, ...options }: TextMagicOptions): TextMagic {
  const api = createTextMagicApi({ ...options, timeoutMs })
  return {
    takeSlot: (sendClass) => api.takeSlot(sendClass),
    send: (sms) => sendSms(api, from, sms),
    findByReference: (lookUp) => findByReference(api, lookUp),

    async getMessage(gatewayId) {
      const operation = 'textmagic get message'
      const path = `/messages/${encodeURIComponent(gatewayId)}`
      const { status, text } = await api.call({ operation, method: 'GET', path, slot: 'teaser' })
      if (status === 404) return null
      if (status !== 200) throw errorOfReadStatus(operation, status)
      const message = readJson(operation, messageSchema, text)
      const reason = message.rejectReason
      return { status: message.status, rejectReason: reason === null || reason === undefined ? null : String(reason) }
    },

    async listReplies({ limit, page }) {
      const operation = 'textmagic list replies'
      const query = { limit: String(limit), page: String(page), orderBy: 'id', direction: 'desc' }
      const { status, text } = await api.call({
        operation,
        method: 'GET',
        path: '/replies',
        query,
        slot: 'notice',
      })
      if (status !== 200) throw errorOfReadStatus(operation, status)
      const { resources, pageCount } = readJson(operation, replyPageSchema, text)
      // Past the last page, some lists answer the last one again: a caller paging until empty would never end.
      return typeof pageCount === 'number' && page > Math.max(1, pageCount) ? [] : resources
    },

    async unsubscribe(phone) {
      const operation = 'textmagic unsubscribe'
      const body = { phone: digitsOf(phone) }
      const { status, text } = await api.call({
        operation,
        method: 'POST',
        path: '/unsubscribers',
        body,
        slot: 'taken',
      })
      if (!isSuccess(status)) throw errorOfStatus(operation, status)
      // A page of whoever stands in for the gateway while it is away says nothing of the number.
      if (text.trimStart().startsWith('<')) throw new UnclearError('unreadable_answer', { operation, detail: 'page' })
    },

    close: () => api.close(),
  }
}
