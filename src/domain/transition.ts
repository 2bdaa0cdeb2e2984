import { type ClosedReason, isIn, LINK_DUE_STATUSES, UNPAID_STATUSES, type UnlockStatus } from './states.ts'

/** How often the details are sent again to a provider who has them and texts Y once more. */
export const MAX_REVEAL_RESENDS = 3

/** What `next` must know of an unlock to decide. */
export type UnlockFacts = {
  status: UnlockStatus
  closedReason: ClosedReason | null
  /** The TTL has passed by the database's clock. */
  ttlPassed: boolean
  /** A teaser may have reached the phone, even if the gateway's acceptance is not recorded yet. */
  teaserAttempted: boolean
  /**
   * A reveal is at the gateway and what became of it is not recorded yet. One whose outcome is known does not count: it
   * belongs to a payment that was given back since.
   */
  revealAttempted: boolean
  /** How often the details were sent again on request. */
  revealResends: number
  /** The money for details that were sent is back with the payer, or on its way: they are not sent again. */
  moneyBack: boolean
  /** The client's contact details are gone: there is nothing left to sell or to send. */
  contactErased: boolean
}

/** What becomes of money that came after its offer was over. */
export type LatePayment = 'reveal' | 'refund'

export type UnlockEvent =
  | { type: 'teaser_accepted' }
  | { type: 'reply_yes' }
  | { type: 'reply_no' }
  | { type: 'stop' }
  | { type: 'ttl' }
  | { type: 'admin_expire' }
  | { type: 'no_payment_found' }
  | { type: 'link_accepted' }
  /**
   * Stripe says that money for this unlock is in, with the right amount and currency. `inTime`: it was paid before the TTL
   * had passed, however much later we heard of it.
   */
  | { type: 'payment'; latePayment: LatePayment; inTime: boolean }
  /** The whole amount went back to the payer. */
  | { type: 'payment_returned' }
  | { type: 'reveal_accepted' }
  | { type: 'reveal_confirmed' }

/** Texts that answer a reply without moving the unlock forward. */
export type Notice = 'lead_expired' | 'not_on_offer' | 'declined' | 'resend_limit' | 'details_erased'

export type Effect =
  | { type: 'create_link' }
  /** The link is due already, and may wait for a person. */
  | { type: 'retry_link' }
  | { type: 'resend_link' }
  | { type: 'close_links' }
  | { type: 'reveal' }
  /** The details are due already, and may wait for a person. */
  | { type: 'retry_reveal' }
  | { type: 'resend_reveal' }
  | { type: 'keep_payment' }
  | {
      type: 'refund_payment'
      because: 'late_payment' | 'paid_after_opt_out' | 'second_payment' | 'opted_out_before_reveal' | 'contact_erased'
    }
  | { type: 'notice'; notice: Notice }

export type Decision = {
  /** The states passed through, in order; empty when nothing changes. */
  path: UnlockStatus[]
  /** Reason of closing, or null when the path does not end in EXPIRED. */
  closedReason: ClosedReason | null
  effects: Effect[]
}

const NOTHING: Decision = { path: [], closedReason: null, effects: [] }

/**
 * What an event does to an unlock. Pure, total: every event has an answer in every state, and an event that repeats,
 * comes late or out of order changes nothing that the table in tests/unit/domain/transition-table.test.ts does not say.
 *
 * @param facts the unlock as it stands under its row lock
 * @param event what happened
 * @returns states to pass through and effects to record in the same transaction
 */
export function next(facts: UnlockFacts, event: UnlockEvent): Decision {
  switch (event.type) {
    case 'teaser_accepted':
      return facts.status === 'NEW_LEAD' ? move(['TEASER_SENT', 'AWAIT_CONFIRM']) : NOTHING
    case 'reply_yes':
      return onYes(facts)
    case 'reply_no':
      return isOffered(facts) ? close('declined', [{ type: 'notice', notice: 'declined' }]) : NOTHING
    case 'ttl':
      return onTtl(facts)
    case 'admin_expire':
      return isUnpaid(facts) ? close('admin') : NOTHING
    case 'stop':
      return onStop(facts)
    case 'no_payment_found':
      return facts.status === 'CHECK_EXISTING_PAYMENT' ? move(['CREATE_PAYMENT_LINK']) : NOTHING
    case 'link_accepted':
      return facts.status === 'CREATE_PAYMENT_LINK' ? move(['PAYMENT_LINK_SENT', 'AWAITING_PAYMENT']) : NOTHING
    case 'payment':
      return onPayment(facts, event)
    case 'payment_returned':
      // Also when a reveal is under way: one that turns out not to have reached the gateway must not be sent for nothing.
      return facts.status === 'PAID' ? close('admin') : NOTHING
    case 'reveal_accepted':
      return facts.status === 'PAID' ? move(['REVEAL_DETAILS_SENT']) : NOTHING
    case 'reveal_confirmed':
      return facts.status === 'REVEAL_DETAILS_SENT' ? move(['DONE']) : NOTHING
  }
}

function onYes(facts: UnlockFacts): Decision {
  switch (facts.status) {
    case 'NEW_LEAD':
      if (!facts.teaserAttempted) return answer('not_on_offer')
      return orExpired(
        facts,
        move(['TEASER_SENT', 'AWAIT_CONFIRM', 'CHECK_EXISTING_PAYMENT'], [{ type: 'create_link' }]),
      )
    case 'TEASER_SENT':
      return orExpired(facts, move(['AWAIT_CONFIRM', 'CHECK_EXISTING_PAYMENT'], [{ type: 'create_link' }]))
    case 'AWAIT_CONFIRM':
      return orExpired(facts, move(['CHECK_EXISTING_PAYMENT'], [{ type: 'create_link' }]))
    case 'CHECK_EXISTING_PAYMENT':
    case 'CREATE_PAYMENT_LINK':
      return orExpired(facts, effects([{ type: 'retry_link' }]))
    case 'PAYMENT_LINK_SENT':
    case 'AWAITING_PAYMENT':
      return orExpired(facts, effects([{ type: 'resend_link' }]))
    case 'PAID':
      return effects([{ type: 'retry_reveal' }])
    case 'REVEAL_DETAILS_SENT':
    case 'DONE':
      if (facts.moneyBack) return answer('lead_expired')
      if (facts.contactErased) return answer('details_erased')
      return facts.revealResends < MAX_REVEAL_RESENDS ? effects([{ type: 'resend_reveal' }]) : answer('resend_limit')
    case 'EXPIRED':
      if (facts.closedReason === 'declined' && !facts.ttlPassed && !facts.contactErased) {
        return move(['CHECK_EXISTING_PAYMENT'], [{ type: 'create_link' }])
      }
      return answer('lead_expired')
    case 'OPTED_OUT':
      return answer('lead_expired')
  }
}

function onTtl(facts: UnlockFacts): Decision {
  if (!isUnpaid(facts) || !facts.ttlPassed) return NOTHING
  // They said Y in time and wait for a link.
  const waits = isIn(LINK_DUE_STATUSES, facts.status)
  return close('ttl', waits ? [{ type: 'notice', notice: 'lead_expired' }] : [])
}

function onStop(facts: UnlockFacts): Decision {
  if (isUnpaid(facts)) return move(['OPTED_OUT'], [{ type: 'close_links' }])
  // A reveal that may already be on the phone cannot be unsaid: its own outcome decides. Until then the money stays.
  if (facts.status === 'PAID' && !facts.revealAttempted) {
    return move(
      ['OPTED_OUT'],
      [{ type: 'close_links' }, { type: 'refund_payment', because: 'opted_out_before_reveal' }],
    )
  }
  return NOTHING
}

function onPayment(facts: UnlockFacts, { latePayment, inTime }: Extract<UnlockEvent, { type: 'payment' }>): Decision {
  if (facts.contactErased && (isUnpaid(facts) || facts.status === 'EXPIRED')) {
    return effects([{ type: 'refund_payment', because: 'contact_erased' }])
  }
  if (isUnpaid(facts)) return paid()
  if (facts.status === 'EXPIRED') {
    const isLate = !(inTime && facts.closedReason === 'ttl')
    return isLate && latePayment === 'refund' ? effects([{ type: 'refund_payment', because: 'late_payment' }]) : paid()
  }
  if (facts.status === 'OPTED_OUT') return effects([{ type: 'refund_payment', because: 'paid_after_opt_out' }])
  return effects([{ type: 'refund_payment', because: 'second_payment' }])
}

function isUnpaid(facts: UnlockFacts): boolean {
  return isIn(UNPAID_STATUSES, facts.status)
}

/** Unpaid and known to the provider: an unlock whose teaser never left cannot be answered. */
function isOffered(facts: UnlockFacts): boolean {
  return isUnpaid(facts) && (facts.status !== 'NEW_LEAD' || facts.teaserAttempted)
}

function orExpired(facts: UnlockFacts, otherwise: Decision): Decision {
  return facts.ttlPassed ? close('ttl', [{ type: 'notice', notice: 'lead_expired' }]) : otherwise
}

function paid(): Decision {
  return move(['PAID'], [{ type: 'keep_payment' }, { type: 'close_links' }, { type: 'reveal' }])
}

function close(closedReason: ClosedReason, more: Effect[] = []): Decision {
  return { path: ['EXPIRED'], closedReason, effects: [{ type: 'close_links' }, ...more] }
}

function move(path: UnlockStatus[], more: Effect[] = []): Decision {
  return { path, closedReason: null, effects: more }
}

function effects(list: Effect[]): Decision {
  return { path: [], closedReason: null, effects: list }
}

function answer(notice: Notice): Decision {
  return effects([{ type: 'notice', notice }])
}
