import { phoneFromGateway } from '../phone.ts'
import type { GatewayFields } from './body.ts'

/** A text that somebody sent to our number. */
export type InboundSms = {
  /** TextMagic's id of the text: what a repeated callback has in common with the first. */
  id: string
  /** Whose it is, in E.164; null when the sender is no phone number (a short code, an alphanumeric sender). */
  phone: string | null
  /** As written by the sender; may be empty. */
  text: string
  sentAt: Date | null
}

/** What became of a text of ours. */
export type DeliveryReceipt = {
  /** TextMagic's id of our message. */
  id: string
  /** The reference we gave when sending, when the callback repeats it. */
  referenceId: number | null
  /** TextMagic's letter: see `receiptOutcome`. */
  status: string
  rejectReason: string | null
  /** The provider's number in E.164. */
  receiver: string | null
}

export type GatewayMessage = { kind: 'sms'; sms: InboundSms } | { kind: 'receipt'; receipt: DeliveryReceipt }

/**
 * Tells an inbound text from a delivery receipt by what it says and not by the URL it came to: an account may have both
 * callbacks pointed at one URL, and a receipt read as a text would be a text from our own number.
 *
 * @returns null when it is neither
 */
export function readGatewayMessage(fields: GatewayFields): GatewayMessage | null {
  if (isReceiptShaped(fields)) {
    const receipt = readReceipt(fields)
    return receipt && { kind: 'receipt', receipt }
  }
  const sms = readInboundSms(fields)
  return sms && { kind: 'sms', sms }
}

/** @returns null when the id, the sender or the text is missing or unusable, or when it is a delivery receipt */
export function readInboundSms(fields: GatewayFields): InboundSms | null {
  const id = identifier(fields.id)
  const sender = label(fields.sender)
  const text = typeof fields.text === 'number' ? String(fields.text) : fields.text
  if (isReceiptShaped(fields) || id === null || sender === null || typeof text !== 'string') return null
  return { id, phone: phoneFromGateway(sender), text, sentAt: readSentAt(fields) }
}

/** When a text was sent, also one that cannot be read otherwise. */
export function readSentAt(fields: GatewayFields): Date | null {
  return time(fields.messageTime)
}

/** @returns null when the id or the status is missing or unusable */
export function readReceipt(fields: GatewayFields): DeliveryReceipt | null {
  const id = identifier(fields.id)
  const status = label(fields.status)
  if (id === null || status === null || !/^[a-z]{1,16}$/i.test(status)) return null
  return {
    id,
    referenceId: reference(fields.referenceId),
    status: status.toLowerCase(),
    rejectReason: label(fields.rejectReason),
    receiver: phone(fields.receiver),
  }
}

/** The fields only receipts carry: one without a readable status is a broken receipt, never an inbound text. */
function isReceiptShaped(fields: GatewayFields): boolean {
  return ['status', 'referenceId', 'partsCount'].some((name) => Object.hasOwn(fields, name))
}

/** Becomes part of a unique key. A number beyond 2^53 has lost its last digits in JSON and identifies nothing. */
function identifier(value: unknown): string | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? String(value) : null
  return typeof value === 'string' && /^[\w.:-]{1,64}$/.test(value.trim()) ? value.trim() : null
}

function reference(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value.trim()) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number > 0 ? number : null
}

function label(value: unknown): string | null {
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string') return null
  const trimmed = text.trim()
  return trimmed === '' || trimmed.length > 64 || /[\p{Cc}\p{Cs}]/u.test(trimmed) ? null : trimmed
}

function phone(value: unknown): string | null {
  const digits = label(value)
  return digits && phoneFromGateway(digits)
}

/** TextMagic writes the offset without a colon, which `Date` does not read; without an offset it means UTC. */
function time(value: unknown): Date | null {
  const text = label(value)
  const parts = text && /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|([+-]\d\d):?(\d\d))?$/.exec(text)
  if (!parts) return null
  const [, date, clock, hours, minutes] = parts
  const at = new Date(`${date}T${clock}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`)
  return Number.isNaN(at.getTime()) || at.getUTCFullYear() < 2000 || at.getUTCFullYear() > 2200 ? null : at
}
