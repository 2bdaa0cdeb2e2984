import type { TextMagicEmulator } from '../textmagic/types.ts'

/** Someone with a phone, as the provider database knows them; `phone` in E.164. */
export type Phone = { id: string; name: string; phone: string }

export type Bubble = {
  /** Unique on the page. */
  key: string
  direction: 'received' | 'sent'
  text: string
  /** ISO 8601. */
  at: string
  /** What became of a text sent to this phone: TextMagic's status letter; null for one this person wrote. */
  status: string | null
  reject_reason: string | null
}

export type Conversation = Phone & {
  /** False for a number that is in no provider's record. */
  known: boolean
  unsubscribed: boolean
  messages: Bubble[]
}

/** A page of thousands of columns is of use to nobody. */
const MOST_WITHOUT_TEXTS = 100

/**
 * Every phone with what it received and sent, oldest message first; of those without texts the first hundred, after the
 * others. Numbers that took part without belonging to a known phone come last, so that a text that went astray is seen.
 */
export function conversations(textmagic: TextMagicEmulator, phones: readonly Phone[]): Conversation[] {
  const bubbles = bubblesByNumber(textmagic)
  const hasTexts = ({ phone }: Phone) => bubbles.has(numberOf(phone))
  const withoutTexts = phones.filter((phone) => !hasTexts(phone)).slice(0, MOST_WITHOUT_TEXTS)
  const known = [...phones.filter(hasTexts), ...withoutTexts].map((phone) => ({ ...phone, known: true }))
  const knownNumbers = new Set(phones.map(({ phone }) => numberOf(phone)))
  const strangers = [...bubbles.keys()]
    .filter((number) => !knownNumbers.has(number))
    .map((number) => ({ id: number, name: 'Unknown number', phone: `+${number}`, known: false }))
  return [...known, ...strangers].map((phone) => ({
    ...phone,
    unsubscribed: textmagic.isUnsubscribed(phone.phone),
    messages: (bubbles.get(numberOf(phone.phone)) ?? []).sort((a, b) => a.at.localeCompare(b.at)),
  }))
}

function bubblesByNumber(textmagic: TextMagicEmulator): Map<string, Bubble[]> {
  const bubbles = new Map<string, Bubble[]>()
  const add = (number: string, bubble: Bubble) => {
    const ofNumber = bubbles.get(number)
    if (ofNumber === undefined) bubbles.set(number, [bubble])
    else ofNumber.push(bubble)
  }
  for (const { id, phone, text, acceptedAt, status, rejectReason } of textmagic.messages()) {
    const key = `message-${id}`
    add(phone, { key, direction: 'received', text, at: acceptedAt, status, reject_reason: rejectReason })
  }
  for (const { id, from, text, receivedAt } of textmagic.replies()) {
    add(from, { key: `reply-${id}`, direction: 'sent', text, at: receivedAt, status: null, reject_reason: null })
  }
  return bubbles
}

function numberOf(phone: string): string {
  return phone.replace(/\D/g, '')
}
