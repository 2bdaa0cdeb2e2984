import { isStillWanted, type MessageStatus, type Purpose } from '../../../src/domain/outbound.ts'
import type { ClosedReason, UnlockStatus } from '../../../src/domain/states.ts'
import { type Decision, type Effect, next, type UnlockEvent, type UnlockFacts } from '../../../src/domain/transition.ts'

export type Message = { purpose: Purpose; status: MessageStatus; link: number | null }
export type Payment = { link: number; status: 'kept' | 'refunded' }
/** One decision that was taken, with the facts it was taken on. */
export type Step = { event: UnlockEvent; facts: UnlockFacts; decision: Decision }

/** Claimed, and what became of it is not known yet. */
const UNDER_WAY: readonly MessageStatus[] = ['sending', 'unknown']
/** The states a message can be in when a phone may have it. */
const MAY_HAVE_ARRIVED: readonly MessageStatus[] = [...UNDER_WAY, 'accepted', 'delivered', 'undelivered']
const UNSENT: readonly MessageStatus[] = ['pending', ...UNDER_WAY]

/**
 * One unlock, its provider, and everything around them that decisions are made from and act on: messages, links and
 * payments, in memory. Does with `next` and `isStillWanted` what the database layer does with them, and nothing else.
 */
export class World {
  status: UnlockStatus = 'NEW_LEAD'
  closedReason: ClosedReason | null = null
  ttlPassed = false
  optedOut = false
  revealResends = 0
  readonly messages: Message[] = [{ purpose: 'teaser', status: 'pending', link: null }]
  readonly links: ('open' | 'closed')[] = []
  readonly payments: Payment[] = []
  readonly steps: Step[] = []
  /** Messages handed to the gateway, with what was true then. */
  readonly sent: { purpose: Purpose; status: UnlockStatus; optedOut: boolean; paidFor: boolean }[] = []

  facts(): UnlockFacts {
    return {
      status: this.status,
      closedReason: this.closedReason,
      ttlPassed: this.ttlPassed,
      teaserAttempted: this.#has('teaser', MAY_HAVE_ARRIVED),
      revealAttempted: this.#has('reveal', UNDER_WAY),
      revealResends: this.revealResends,
      moneyBack: this.keptPayments().length === 0,
      contactErased: false,
    }
  }

  /** @param payment the payment that caused the event */
  apply(event: UnlockEvent, payment?: Payment): Decision {
    const facts = this.facts()
    const decision = next(facts, event)
    for (const status of decision.path) {
      this.status = status
      this.closedReason = status === 'EXPIRED' ? decision.closedReason : null
    }
    for (const effect of decision.effects) this.#record(effect, payment)
    this.steps.push({ event, facts, decision })
    return decision
  }

  /** A worker takes a message for sending, if it is still wanted then. A refund may follow a STOP that prevents a reveal. */
  claim(message: Message): void {
    if (message.status !== 'pending') return
    const linkOpen = message.link !== null && this.links[message.link] === 'open'
    const { status, ttlPassed, optedOut } = this
    const paid = this.keptPayments().length > 0
    const known = { unlockStatus: status, ttlPassed, optedOut, linkOpen, contactErased: false, paid }
    if (!isStillWanted({ purpose: message.purpose, ...known })) {
      message.status = 'cancelled'
      if (message.purpose === 'reveal' && optedOut) this.apply({ type: 'stop' })
      return
    }
    message.status = 'sending'
    this.sent.push({ purpose: message.purpose, status, optedOut, paidFor: paid })
  }

  /** What the gateway, asked at once or looked up later, says of a message that was claimed. */
  outcome(message: Message, outcome: 'accepted' | 'unknown' | 'absent' | 'failed'): void {
    if (message.status !== 'sending' && message.status !== 'unknown') return
    message.status = outcome === 'absent' ? 'pending' : outcome
    if (outcome !== 'accepted') return
    if (message.purpose === 'teaser') this.apply({ type: 'teaser_accepted' })
    if (message.purpose === 'reveal') this.apply({ type: 'reveal_accepted' })
    if (message.link !== null && this.links[message.link] === 'open') this.apply({ type: 'link_accepted' })
  }

  /** The job between a Y and the SMS with the link. */
  createLink(): void {
    if (this.status === 'CHECK_EXISTING_PAYMENT') this.apply({ type: 'no_payment_found' })
    if (this.status !== 'CREATE_PAYMENT_LINK') return
    if (!this.links.includes('open')) this.links.push('open')
    this.#addLinkMessage()
  }

  /** Money comes in through a link the provider may have, closed or not: a page that was open can still be paid. */
  pay(link: number, latePayment: 'reveal' | 'refund', inTime = false): void {
    if (!this.messages.some((message) => message.link === link && MAY_HAVE_ARRIVED.includes(message.status))) return
    const payment: Payment = { link, status: 'refunded' }
    this.payments.push(payment)
    this.apply({ type: 'payment', latePayment, inTime }, payment)
  }

  /** All the money kept for this unlock goes back, by a person's decision. */
  giveBack(): void {
    const kept = this.keptPayments()
    if (kept.length === 0) return
    for (const payment of kept) payment.status = 'refunded'
    this.apply({ type: 'payment_returned' })
  }

  /** The reveal job: an unlock that is PAID always has a reveal to send. */
  retryReveal(): void {
    if (this.status === 'PAID') this.#addReveal()
  }

  stop(): void {
    this.optedOut = true
    this.apply({ type: 'stop' })
  }

  start(): void {
    this.optedOut = false
  }

  passTtl(): void {
    this.ttlPassed = true
  }

  /**
   * Everybody does their work until none is left, and the TTL passes; nothing new comes from outside.
   *
   * @param lost whether each message gets lost once before it arrives
   */
  settle(lost: boolean): void {
    for (let round = 0; round < 12; round++) {
      this.createLink()
      this.retryReveal()
      for (const message of [...this.messages]) {
        this.claim(message)
        this.outcome(message, lost && round === 0 ? 'absent' : 'accepted')
      }
      this.apply({ type: 'reveal_confirmed' })
    }
    this.passTtl()
    this.apply({ type: 'ttl' })
  }

  /** A reply of somebody who opted out is no answer to an offer. */
  reply(answer: 'reply_yes' | 'reply_no'): void {
    if (!this.optedOut) this.apply({ type: answer })
  }

  keptPayments(): Payment[] {
    return this.payments.filter(({ status }) => status === 'kept')
  }

  #record(effect: Effect, payment: Payment | undefined): void {
    switch (effect.type) {
      case 'keep_payment':
        if (payment === undefined) throw new Error('keep_payment without a payment')
        payment.status = 'kept'
        break
      case 'refund_payment':
        for (const each of payment === undefined ? this.keptPayments() : [payment]) each.status = 'refunded'
        break
      case 'close_links':
        this.links.fill('closed')
        break
      case 'resend_link':
        this.#addLinkMessage()
        break
      case 'reveal':
        this.#addReveal()
        break
      case 'resend_reveal':
        if (this.#addReveal()) this.revealResends += 1
        break
      case 'create_link':
      case 'retry_link':
      case 'retry_reveal':
      case 'notice':
    }
  }

  #addLinkMessage(): void {
    const link = this.links.indexOf('open')
    if (link === -1) return
    const waiting = this.messages.some((message) => message.link === link && UNSENT.includes(message.status))
    if (!waiting) this.messages.push({ purpose: 'payment_link', status: 'pending', link })
  }

  #addReveal(): boolean {
    if (this.#has('reveal', UNSENT)) return false
    this.messages.push({ purpose: 'reveal', status: 'pending', link: null })
    return true
  }

  #has(wanted: Purpose, statuses: readonly MessageStatus[]): boolean {
    return this.messages.some(({ purpose, status }) => purpose === wanted && statuses.includes(status))
  }
}
