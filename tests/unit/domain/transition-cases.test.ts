import { beforeEach, describe, expect, test } from 'vitest'
import type { UnlockStatus } from '../../../src/domain/states.ts'
import { MAX_REVEAL_RESENDS, type Notice } from '../../../src/domain/transition.ts'
import { type Message, World } from './transition-world.ts'

let world: World

beforeEach(() => {
  world = new World()
})

function newest(): Message {
  const message = world.messages.at(-1)
  if (message === undefined) throw new Error('there is no message')
  return message
}

function send(): void {
  world.claim(newest())
  world.outcome(newest(), 'accepted')
}

/** Brings the unlock to a state the usual way. */
function reach(status: UnlockStatus): void {
  if (status === 'NEW_LEAD') return
  send()
  if (world.status === status) return
  world.reply('reply_yes')
  if (world.status === status) return
  world.createLink()
  if (world.status === status) return
  send()
  if (world.status === status) return
  world.pay(0, 'reveal')
  if (world.status === status) return
  send()
  if (world.status === status) return
  world.apply({ type: 'reveal_confirmed' })
  expect(world.status).toBe(status)
}

/** The states passed through since the unlock was stored. */
function timeline(): UnlockStatus[] {
  return world.steps.flatMap(({ decision }) => decision.path)
}

function lastEffects(): string[] {
  return (world.steps.at(-1)?.decision.effects ?? []).map((effect) =>
    effect.type === 'refund_payment' ? `refund_payment: ${effect.because}` : effect.type,
  )
}

function lastNotices(): Notice[] {
  const effects = world.steps.at(-1)?.decision.effects ?? []
  return effects.flatMap((effect) => (effect.type === 'notice' ? [effect.notice] : []))
}

const sentLinks = () => world.messages.filter(({ purpose }) => purpose === 'payment_link')

describe('what each state means', () => {
  test('NEW_LEAD: the teaser is not accepted by the gateway yet', () => {
    world.claim(newest())
    world.outcome(newest(), 'unknown')
    expect(world.status).toBe('NEW_LEAD')
  })

  test('TEASER_SENT, then AWAIT_CONFIRM: the gateway accepted the teaser, and the reply is waited for', () => {
    send()
    expect(timeline()).toEqual(['TEASER_SENT', 'AWAIT_CONFIRM'])
  })

  test('CHECK_EXISTING_PAYMENT: Y received, no link before a payment was looked for', () => {
    reach('AWAIT_CONFIRM')
    world.reply('reply_yes')
    expect(world.status).toBe('CHECK_EXISTING_PAYMENT')
    expect(world.links).toEqual([])
  })

  test('CHECK_EXISTING_PAYMENT: a payment that is found makes it PAID, without a link', () => {
    reach('CHECK_EXISTING_PAYMENT')
    world.apply({ type: 'payment', latePayment: 'refund', inTime: false }, { link: 0, status: 'refunded' })
    expect(world.status).toBe('PAID')
    world.createLink()
    expect(world.links).toEqual([])
  })

  test('CREATE_PAYMENT_LINK: no payment found', () => {
    reach('CHECK_EXISTING_PAYMENT')
    world.apply({ type: 'no_payment_found' })
    expect(world.status).toBe('CREATE_PAYMENT_LINK')
  })

  test('PAYMENT_LINK_SENT, then AWAITING_PAYMENT: the gateway accepted the SMS with the link', () => {
    reach('CREATE_PAYMENT_LINK')
    send()
    expect(timeline().slice(-2)).toEqual(['PAYMENT_LINK_SENT', 'AWAITING_PAYMENT'])
  })

  test('PAID: Stripe says paid, the money is kept, and the reveal is due', () => {
    reach('AWAITING_PAYMENT')
    world.pay(0, 'reveal')
    expect(world.status).toBe('PAID')
    expect(lastEffects()).toEqual(['keep_payment', 'close_links', 'reveal'])
    expect(newest()).toMatchObject({ purpose: 'reveal', status: 'pending' })
  })

  test('REVEAL_DETAILS_SENT: the gateway accepted the reveal', () => {
    reach('PAID')
    send()
    expect(world.status).toBe('REVEAL_DETAILS_SENT')
  })

  test('DONE: the delivery is confirmed', () => {
    reach('REVEAL_DETAILS_SENT')
    world.apply({ type: 'reveal_confirmed' })
    expect(world.status).toBe('DONE')
  })

  test.each([
    ['declined', { type: 'reply_no' }],
    ['ttl', { type: 'ttl' }],
    ['admin', { type: 'admin_expire' }],
  ] as const)('EXPIRED: closed, and the reason is kept: %s', (reason, event) => {
    reach('AWAIT_CONFIRM')
    world.passTtl()
    world.apply(event)
    expect(world).toMatchObject({ status: 'EXPIRED', closedReason: reason })
  })

  test('OPTED_OUT: closed by STOP, without a closing reason', () => {
    reach('AWAIT_CONFIRM')
    world.stop()
    expect(world).toMatchObject({ status: 'OPTED_OUT', closedReason: null })
  })

  test('the whole way, from teaser to reveal', () => {
    reach('DONE')
    expect(timeline()).toEqual([
      ...['TEASER_SENT', 'AWAIT_CONFIRM', 'CHECK_EXISTING_PAYMENT', 'CREATE_PAYMENT_LINK', 'PAYMENT_LINK_SENT'],
      ...['AWAITING_PAYMENT', 'PAID', 'REVEAL_DETAILS_SENT', 'DONE'],
    ])
  })
})

describe('the cases the diagram leaves open', () => {
  test('Y while AWAITING_PAYMENT: the same link again, never a second one', () => {
    reach('AWAITING_PAYMENT')
    world.reply('reply_yes')
    world.createLink()
    expect(lastEffects()).toEqual(['resend_link'])
    expect(world.status).toBe('AWAITING_PAYMENT')
    expect(world.links).toEqual(['open'])
    expect(sentLinks().map(({ link }) => link)).toEqual([0, 0])
  })

  test('Y while the link is being made or sent: still one link and one SMS with it', () => {
    reach('CREATE_PAYMENT_LINK')
    world.reply('reply_yes')
    world.createLink()
    expect(world.links).toEqual(['open'])
    expect(sentLinks()).toHaveLength(1)
  })

  test('Y when PAID: no charge, and the reveal that is due is woken up, not doubled', () => {
    reach('PAID')
    world.reply('reply_yes')
    expect(lastEffects()).toEqual(['retry_reveal'])
    expect(world.messages.filter(({ purpose }) => purpose === 'reveal')).toHaveLength(1)
    expect(world.revealResends).toBe(0)
  })

  test.each(['REVEAL_DETAILS_SENT', 'DONE'] as const)('Y when %s: the details again, three times at most', (status) => {
    reach(status)
    for (let time = 1; time <= 3; time++) {
      world.reply('reply_yes')
      expect(lastEffects()).toEqual(['resend_reveal'])
      send()
    }
    world.reply('reply_yes')
    expect(lastNotices()).toEqual(['resend_limit'])
    expect(world.messages.filter(({ purpose }) => purpose === 'reveal')).toHaveLength(4)
    expect(world.status).toBe(status)
    expect(MAX_REVEAL_RESENDS).toBe(3)
  })

  test('Y again before the details went out again: they count, and go, once', () => {
    reach('DONE')
    world.reply('reply_yes')
    world.reply('reply_yes')
    expect(world.revealResends).toBe(1)
    expect(world.messages.filter(({ status }) => status === 'pending')).toHaveLength(1)
  })

  test('Y after "N", TTL not passed: the offer reopens, with a new link', () => {
    reach('AWAITING_PAYMENT')
    world.reply('reply_no')
    world.reply('reply_yes')
    expect(world).toMatchObject({ status: 'CHECK_EXISTING_PAYMENT', closedReason: null })
    world.createLink()
    expect(world.links).toEqual(['closed', 'open'])
  })

  test.each([
    ['the TTL job has closed it', () => world.apply({ type: 'ttl' })],
    ['the TTL job is late', () => undefined],
    ['it was declined before', () => world.reply('reply_no')],
  ])('Y after the TTL, when %s: the SMS that the lead has expired, and no link', (_, before) => {
    reach('AWAIT_CONFIRM')
    world.passTtl()
    before()
    world.reply('reply_yes')
    expect(world.status).toBe('EXPIRED')
    expect(lastNotices()).toEqual(['lead_expired'])
    world.createLink()
    expect(world.links).toEqual([])
  })

  test('Y after an admin closed the offer: the SMS that the lead has expired, TTL or not', () => {
    reach('AWAIT_CONFIRM')
    world.apply({ type: 'admin_expire' })
    world.reply('reply_yes')
    expect(world).toMatchObject({ status: 'EXPIRED', closedReason: 'admin' })
    expect(lastNotices()).toEqual(['lead_expired'])
  })

  test('"N" after the link was sent: EXPIRED (declined), and the link is deactivated', () => {
    reach('AWAITING_PAYMENT')
    world.reply('reply_no')
    expect(world).toMatchObject({ status: 'EXPIRED', closedReason: 'declined', links: ['closed'] })
  })

  test('a Y that comes before the acceptance of the teaser is recorded counts', () => {
    world.claim(newest())
    world.reply('reply_yes')
    expect(timeline()).toEqual(['TEASER_SENT', 'AWAIT_CONFIRM', 'CHECK_EXISTING_PAYMENT'])
    world.outcome(newest(), 'accepted')
    expect(world.status).toBe('CHECK_EXISTING_PAYMENT')
  })

  test('a Y to a lead whose teaser was never sent: it is not on offer, and nothing else changes', () => {
    world.reply('reply_yes')
    expect(lastNotices()).toEqual(['not_on_offer'])
    expect(timeline()).toEqual([])
  })

  test.each(['AWAIT_CONFIRM', 'CHECK_EXISTING_PAYMENT', 'CREATE_PAYMENT_LINK', 'AWAITING_PAYMENT'] as const)(
    'STOP when %s: OPTED_OUT, the links deactivated, nothing sent afterwards',
    (status) => {
      reach(status)
      world.stop()
      const sent = world.sent.length
      world.settle(false)
      expect(world).toMatchObject({ status: 'OPTED_OUT', sent: { length: sent } })
      expect(world.links).not.toContain('open')
    },
  )

  test('STOP between payment and reveal: no details, the money goes back', () => {
    reach('PAID')
    world.stop()
    expect(world.status).toBe('OPTED_OUT')
    expect(lastEffects()).toEqual(['close_links', 'refund_payment: opted_out_before_reveal'])
    expect(world.keptPayments()).toEqual([])
    world.claim(newest())
    expect(newest()).toMatchObject({ purpose: 'reveal', status: 'cancelled' })
  })

  test('STOP while the reveal is at the gateway: its outcome decides; accepted, the money is kept', () => {
    reach('PAID')
    world.claim(newest())
    world.stop()
    expect(world.status).toBe('PAID')
    world.outcome(newest(), 'accepted')
    expect(world.status).toBe('REVEAL_DETAILS_SENT')
    expect(world.keptPayments()).toHaveLength(1)
  })

  test('STOP while the reveal is at the gateway: its outcome decides; not there, the money goes back', () => {
    reach('PAID')
    world.claim(newest())
    world.stop()
    world.outcome(newest(), 'absent')
    world.claim(newest())
    expect(world.status).toBe('OPTED_OUT')
    expect(world.keptPayments()).toEqual([])
  })

  test.each(['REVEAL_DETAILS_SENT', 'DONE'] as const)(
    'STOP when %s: the deal is closed and stays as it is',
    (status) => {
      reach(status)
      world.stop()
      expect(world.status).toBe(status)
      expect(world.keptPayments()).toHaveLength(1)
    },
  )

  test('payment after EXPIRED, late payments revealed: PAID, and the details go out', () => {
    reach('AWAITING_PAYMENT')
    world.reply('reply_no')
    world.pay(0, 'reveal')
    expect(world).toMatchObject({ status: 'PAID', closedReason: null })
    send()
    expect(world.status).toBe('REVEAL_DETAILS_SENT')
  })

  test('payment after EXPIRED, late payments refunded: it stays EXPIRED and the money goes back', () => {
    reach('AWAITING_PAYMENT')
    world.reply('reply_no')
    world.pay(0, 'refund')
    expect(world).toMatchObject({ status: 'EXPIRED', closedReason: 'declined' })
    expect(lastEffects()).toEqual(['refund_payment: late_payment'])
  })

  test('payment after the TTL but before anything closed the offer: it is not late', () => {
    reach('AWAITING_PAYMENT')
    world.passTtl()
    world.pay(0, 'refund')
    expect(world.status).toBe('PAID')
    world.apply({ type: 'ttl' })
    expect(world.status).toBe('PAID')
  })

  test.each(['reveal', 'refund'] as const)('payment after OPTED_OUT: refunded, late payments %sed or not', (policy) => {
    reach('AWAITING_PAYMENT')
    world.stop()
    world.pay(0, policy)
    expect(world.status).toBe('OPTED_OUT')
    expect(lastEffects()).toEqual(['refund_payment: paid_after_opt_out'])
  })

  test('payment after EXPIRED by somebody who opted out since: no details, the money goes back', () => {
    reach('AWAITING_PAYMENT')
    world.reply('reply_no')
    world.stop()
    world.pay(0, 'reveal')
    world.claim(newest())
    expect(world.status).toBe('OPTED_OUT')
    expect(lastEffects()).toContain('refund_payment: opted_out_before_reveal')
    expect(world.keptPayments()).toEqual([])
  })

  test.each(['PAID', 'REVEAL_DETAILS_SENT', 'DONE'] as const)(
    'second payment when %s: the second goes back',
    (status) => {
      reach(status)
      world.pay(0, 'reveal')
      expect(lastEffects()).toEqual(['refund_payment: second_payment'])
      expect(world.payments.map((payment) => payment.status)).toEqual(['kept', 'refunded'])
      expect(world.status).toBe(status)
    },
  )

  test('the money given back before the details went out: closed, and they do not go out any more', () => {
    reach('PAID')
    world.giveBack()
    expect(world).toMatchObject({ status: 'EXPIRED', closedReason: 'admin' })
    world.claim(newest())
    expect(newest()).toMatchObject({ purpose: 'reveal', status: 'cancelled' })
  })

  test('the money given back while the reveal is at the gateway: not there, it is not sent again for nothing', () => {
    reach('PAID')
    world.claim(newest())
    world.outcome(newest(), 'unknown')
    world.giveBack()
    world.outcome(newest(), 'absent')
    world.claim(newest())
    expect(newest()).toMatchObject({ purpose: 'reveal', status: 'cancelled' })
  })

  test('the money given back after the details went out: what happened, happened', () => {
    reach('DONE')
    world.giveBack()
    expect(world.status).toBe('DONE')
  })

  test('a reveal that failed for good leaves the unlock PAID, and a retry completes it', () => {
    reach('PAID')
    world.claim(newest())
    world.outcome(newest(), 'failed')
    expect(world.status).toBe('PAID')
    world.retryReveal()
    send()
    expect(world.status).toBe('REVEAL_DETAILS_SENT')
  })

  test('a job for the TTL that comes early, by whatever clock, closes nothing', () => {
    reach('AWAIT_CONFIRM')
    world.apply({ type: 'ttl' })
    expect(world.status).toBe('AWAIT_CONFIRM')
  })

  test('an offer whose teaser never went out expires too, and the teaser is not sent any more', () => {
    world.passTtl()
    world.apply({ type: 'ttl' })
    world.claim(newest())
    expect(world).toMatchObject({ status: 'EXPIRED', closedReason: 'ttl', sent: [] })
  })
})
