import parsePhoneNumber from 'libphonenumber-js'
import { type Account, partPrice } from './account.ts'
import type { Reply, SentMessage, Session, Unsubscriber } from './types.ts'

/** TextMagic's times: ISO 8601 in UTC, whole seconds, and no colon in the offset. */
export function textMagicTime(iso: string): string {
  return `${iso.slice(0, 19)}+0000`
}

/** Two-letter country of a number in digits; empty when it is not a number of any country. */
function countryOf(phone: string): string {
  return parsePhoneNumber(`+${phone}`)?.country ?? ''
}

/** A session as `GET /api/v2/sessions` shows it. */
export function sessionResource(session: Session) {
  return {
    id: session.id,
    startTime: textMagicTime(session.startTime),
    text: session.text,
    source: 'A',
    referenceId: session.referenceId,
    price: session.price,
    numbersCount: session.numbersCount,
    destination: 't',
  }
}

/** An outbound message as `GET /api/v2/messages` shows it; `embedSession` adds its session. */
export function messageResource(account: Account, message: SentMessage, embedSession: boolean) {
  const session = embedSession ? account.session(message.sessionId) : undefined
  return {
    id: message.id,
    sender: message.from,
    receiver: message.phone,
    text: message.text,
    status: message.status,
    rejectReason: message.rejectReason,
    contactId: null,
    sessionId: message.sessionId,
    messageTime: textMagicTime(message.acceptedAt),
    avatar: null,
    deleted: false,
    charset: message.charset,
    charsetLabel: message.charset,
    firstName: null,
    lastName: null,
    country: countryOf(message.phone),
    phone: message.phone,
    price: message.partsCount * partPrice,
    partsCount: message.partsCount,
    fromEmail: null,
    fromNumber: message.from,
    ...(session === undefined ? {} : { session: sessionResource(session) }),
  }
}

/** A reply as `GET /api/v2/replies` shows it; the inbound callback is an exact copy. */
export function replyResource(reply: Reply) {
  return {
    id: reply.id,
    sender: reply.from,
    receiver: reply.to,
    messageTime: textMagicTime(reply.receivedAt),
    text: reply.text,
    contactId: null,
    firstName: null,
    lastName: null,
    avatar: null,
    email: null,
  }
}

/** The fields of a delivery callback. The reason of a rejection is not among them. */
export function receiptResource(message: SentMessage) {
  return {
    id: message.id,
    sender: message.from,
    receiver: message.phone,
    text: message.text,
    price: message.partsCount * partPrice,
    status: message.status,
    partsCount: message.partsCount,
    messageTime: textMagicTime(message.acceptedAt),
    charset: message.charset,
    firstName: null,
    lastName: null,
    country: countryOf(message.phone),
    referenceId: message.referenceId,
  }
}

/** An unsubscribed number as `GET /api/v2/unsubscribers` shows it. */
export function unsubscriberResource(one: Unsubscriber) {
  return {
    id: one.id,
    phone: one.phone,
    unsubscribeTime: textMagicTime(one.unsubscribedAt),
    firstName: null,
    lastName: null,
  }
}
