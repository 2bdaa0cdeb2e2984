import { isIn, LINK_SENT_STATUSES, PAID_STATUSES, UNPAID_STATUSES, type UnlockStatus } from './states.ts'

/** Why an SMS is sent. A purpose and its key name one message that the gateway may accept once. */
export const PURPOSES = [
  'teaser',
  'payment_link',
  'reveal',
  'lead_expired',
  'not_on_offer',
  'declined',
  'resend_limit',
  'details_erased',
  'explain_reply',
  'help',
  'stop_confirmation',
  'start_confirmation',
] as const
export type Purpose = (typeof PURPOSES)[number]

/**
 * Where a message stands.
 * - pending: to be sent; the gateway has not got it
 * - sending: claimed by a worker; if its lease ends, it counts as unknown
 * - unknown: the gateway was called and the outcome is not known: look it up before sending again
 * - accepted: the gateway has it; delivered, undelivered: what the carrier said
 * - failed: refused for good; cancelled: no longer wanted when its turn came
 */
export const MESSAGE_STATUSES = [
  'pending',
  'sending',
  'unknown',
  'accepted',
  'delivered',
  'undelivered',
  'failed',
  'cancelled',
] as const
export type MessageStatus = (typeof MESSAGE_STATUSES)[number]

/** Still to be sent, or not known to have been. */
export const UNSENT_STATUSES = ['pending', 'sending', 'unknown'] as const satisfies readonly MessageStatus[]

export function isUnsent(status: MessageStatus): boolean {
  return UNSENT_STATUSES.some((unsent) => unsent === status)
}

/** Classes of the shared send limit, first served first (reveals before payment links before teasers). */
export const SEND_CLASSES = ['reveal', 'payment_link', 'notice', 'teaser'] as const
export type SendClass = (typeof SEND_CLASSES)[number]

export function sendClassOf(purpose: Purpose): SendClass {
  return purpose === 'reveal' || purpose === 'payment_link' || purpose === 'teaser' ? purpose : 'notice'
}

/** Whether its receiver asked for it, or did what it answers. */
const IS_ASKED_FOR: Record<Purpose, boolean> = {
  teaser: false,
  payment_link: true,
  reveal: true,
  lead_expired: true,
  not_on_offer: true,
  declined: true,
  resend_limit: true,
  details_erased: true,
  explain_reply: true,
  help: true,
  stop_confirmation: true,
  start_confirmation: true,
}

/** Whether a text waits for the end of its receiver's quiet hours: nobody asked for it. */
export function waitsForQuietHours(purpose: Purpose): boolean {
  return !IS_ASKED_FOR[purpose]
}

const WANTED_IN: Partial<Record<Purpose, readonly UnlockStatus[]>> = {
  teaser: ['NEW_LEAD'],
  payment_link: UNPAID_STATUSES,
  reveal: PAID_STATUSES,
}

/** Whether anybody may still want a text about an unlock that is in this state; an answer to a text is wanted in any. */
export function mayBeWanted(purpose: Purpose, unlockStatus: UnlockStatus): boolean {
  return WANTED_IN[purpose]?.includes(unlockStatus) ?? true
}

export type SendFacts = {
  purpose: Purpose
  /** Null for a message that belongs to no unlock. */
  unlockStatus: UnlockStatus | null
  ttlPassed: boolean
  optedOut: boolean
  /** For a payment link: nobody has asked to close it. */
  linkOpen: boolean
  /** For a reveal: there is nothing left to send. */
  contactErased: boolean
  /** For a reveal: the money for it is with us. */
  paid: boolean
}

/**
 * Whether a message is still wanted at the moment it is claimed for sending. What was right when it was written may not be
 * now: a STOP, an expiry or a payment came in between (invariants 1 and 6 of
 * docs/decisions/019-simulation.md).
 */
export function isStillWanted(facts: SendFacts): boolean {
  const { purpose, unlockStatus } = facts
  if (facts.optedOut) return purpose === 'stop_confirmation'
  if (unlockStatus !== null && !mayBeWanted(purpose, unlockStatus)) return false
  switch (purpose) {
    case 'stop_confirmation':
      return false
    case 'teaser':
      return unlockStatus !== null && !facts.ttlPassed
    case 'payment_link':
      return (
        facts.linkOpen &&
        unlockStatus !== null &&
        (unlockStatus === 'CREATE_PAYMENT_LINK' || isIn(LINK_SENT_STATUSES, unlockStatus))
      )
    case 'reveal':
      return unlockStatus !== null && facts.paid && !facts.contactErased
    // Answers to what their receiver said. No default: what is new may not be wanted for ever.
    case 'lead_expired':
    case 'not_on_offer':
    case 'declined':
    case 'resend_limit':
    case 'details_erased':
    case 'explain_reply':
    case 'help':
    case 'start_confirmation':
      return true
  }
}

/**
 * How a text ends that the gateway accepted.
 * - delivered: on the phone
 * - undelivered: the carrier refused or lost it, or the number does not take texts
 * - unsubscribed: the gateway blocks it, because its receiver said so
 */
export const DELIVERY_OUTCOMES = ['delivered', 'undelivered', 'unsubscribed'] as const
export type DeliveryOutcome = (typeof DELIVERY_OUTCOMES)[number]

/**
 * What TextMagic's status letters mean: d delivered; f, e, j and u failed for good, or nobody knows; g rejected, because the
 * number is unsubscribed. Any other is on its way: q queued, s scheduled, r sent, a acknowledged, b queued at the operator.
 */
export function receiptOutcome(letter: string): 'delivered' | 'undelivered' | 'on_the_way' {
  if (letter === 'd') return 'delivered'
  return ['f', 'e', 'j', 'u', 'g'].includes(letter) ? 'undelivered' : 'on_the_way'
}

/** Whether TextMagic says that the receiver has unsubscribed: with the letter, or as the reason for one that tells of a failure. */
export function saysUnsubscribed({ letter, rejectReason }: { letter: string; rejectReason: string | null }): boolean {
  return receiptOutcome(letter) === 'undelivered' && (letter === 'g' || rejectReason === 'g')
}
