import { describe, expect, test } from 'vitest'
import { isIn, PAID_STATUSES, UNPAID_STATUSES, type UnlockStatus } from '../../../src/domain/states.ts'
import { always, eventually, sampleWorlds } from './transition-history.ts'
import type { Step } from './transition-world.ts'

/** An unlock never rests in TEASER_SENT or PAYMENT_LINK_SENT, and nobody pays before a link was made for them. */
const WAYS = [
  ...['NEW_LEAD>TEASER_SENT', 'TEASER_SENT>AWAIT_CONFIRM', 'AWAIT_CONFIRM>CHECK_EXISTING_PAYMENT'],
  ...['CHECK_EXISTING_PAYMENT>CREATE_PAYMENT_LINK', 'CREATE_PAYMENT_LINK>PAYMENT_LINK_SENT'],
  ...['PAYMENT_LINK_SENT>AWAITING_PAYMENT', 'AWAITING_PAYMENT>PAID', 'PAID>REVEAL_DETAILS_SENT'],
  ...['REVEAL_DETAILS_SENT>DONE', 'EXPIRED>CHECK_EXISTING_PAYMENT', 'EXPIRED>PAID'],
  ...['NEW_LEAD>EXPIRED', 'AWAIT_CONFIRM>EXPIRED', 'CHECK_EXISTING_PAYMENT>EXPIRED', 'CREATE_PAYMENT_LINK>EXPIRED'],
  ...['AWAITING_PAYMENT>EXPIRED', 'PAID>EXPIRED'],
  ...['NEW_LEAD>OPTED_OUT', 'AWAIT_CONFIRM>OPTED_OUT', 'CHECK_EXISTING_PAYMENT>OPTED_OUT'],
  ...['CREATE_PAYMENT_LINK>OPTED_OUT', 'AWAITING_PAYMENT>OPTED_OUT', 'PAID>OPTED_OUT'],
  // The link reached the phone before its acceptance was recorded, or an earlier link was still open in a browser.
  ...['CREATE_PAYMENT_LINK>PAID', 'CHECK_EXISTING_PAYMENT>PAID'],
]

/** Effects that get somebody a link, and those that get them the details. */
const LINK = ['create_link', 'retry_link', 'resend_link']
const REVEAL = ['reveal', 'retry_reveal', 'resend_reveal']

function endOf({ facts, decision }: Step): UnlockStatus {
  return decision.path.at(-1) ?? facts.status
}

function has(step: Step, ...types: string[]): boolean {
  return step.decision.effects.some(({ type }) => types.includes(type))
}

function changesNothing({ decision }: Step): boolean {
  return decision.path.length === 0 && decision.effects.length === 0
}

test('the histories take every way there is for an unlock at rest, and no other', () => {
  const taken = new Set<string>()
  for (const { facts, decision } of sampleWorlds().flatMap(({ steps }) => steps)) {
    const states = [facts.status, ...decision.path]
    for (const [index, to] of decision.path.entries()) taken.add(`${states[index]}>${to}`)
  }
  expect([...taken].sort()).toEqual([...WAYS].sort())
})

describe('whatever the history', () => {
  test('PAID is entered by a payment only, and never before a Y', () => {
    always((_, steps) =>
      steps
        .filter(({ decision }) => decision.path.includes('PAID'))
        .every(({ event, facts }) => event.type === 'payment' && !isBeforeYes(facts.status)),
    )
  })

  test('EXPIRED is left by a Y after a no within the TTL, or by a payment that came in time or is to be revealed', () => {
    always((_, steps) =>
      steps
        .filter(({ facts, decision }) => facts.status === 'EXPIRED' && decision.path.length > 0)
        .every(({ event, facts, decision }) => {
          const to = decision.path.join()
          if (event.type === 'payment') {
            const counts = event.latePayment === 'reveal' || (event.inTime && facts.closedReason === 'ttl')
            return counts && to === 'PAID'
          }
          const reopens = event.type === 'reply_yes' && facts.closedReason === 'declined' && !facts.ttlPassed
          return reopens && to === 'CHECK_EXISTING_PAYMENT'
        }),
    )
  })

  test('OPTED_OUT and DONE are never left', () => {
    always((_, steps) =>
      steps
        .filter(({ facts }) => facts.status === 'OPTED_OUT' || facts.status === 'DONE')
        .every(({ decision }) => decision.path.length === 0),
    )
  })

  test('every payment is kept or refunded, one of the two', () => {
    always((_, steps) =>
      steps
        .filter(({ event }) => event.type === 'payment')
        .every((step) => has(step, 'keep_payment') !== has(step, 'refund_payment')),
    )
  })

  test('without a payment nothing is kept, and only a STOP before the reveal refunds', () => {
    always((_, steps) =>
      steps
        .filter(({ event }) => event.type !== 'payment')
        .every((step) => {
          if (has(step, 'keep_payment')) return false
          return !has(step, 'refund_payment') || (step.event.type === 'stop' && step.facts.status === 'PAID')
        }),
    )
  })

  test('at most one payment is kept, and only for an unlock that is PAID or later', () => {
    always((world) => world.keptPayments().length <= (isIn(PAID_STATUSES, world.status) ? 1 : 0))
  })

  test('what is PAID has its money in', () => {
    always((world) => world.status !== 'PAID' || world.keptPayments().length === 1)
  })

  test('a closing reason stands exactly at what is EXPIRED', () => {
    always((world) => (world.closedReason !== null) === (world.status === 'EXPIRED'))
  })

  test('what is OPTED_OUT gets no link and no details, and keeps no money', () => {
    always((_, steps) =>
      steps
        .filter((step) => endOf(step) === 'OPTED_OUT')
        .every((step) => !has(step, ...LINK, ...REVEAL, 'keep_payment')),
    )
  })

  test('the details are asked for only when PAID or later', () => {
    always((_, steps) => steps.filter((step) => has(step, ...REVEAL)).every((step) => isIn(PAID_STATUSES, endOf(step))))
  })

  test('links are closed whenever the unpaid states are left', () => {
    always((_, steps) =>
      steps
        .filter((step) => isIn(UNPAID_STATUSES, step.facts.status) && !isIn(UNPAID_STATUSES, endOf(step)))
        .every((step) => has(step, 'close_links')),
    )
  })

  test('at most one link is open, and only while unpaid', () => {
    always(({ links, status }) => {
      const open = links.filter((link) => link === 'open').length
      return open <= (isIn(UNPAID_STATUSES, status) ? 1 : 0)
    })
  })

  test('neither the TTL, an admin nor a no touches what is paid', () => {
    always((_, steps) =>
      steps
        .filter(({ event }) => ['ttl', 'admin_expire', 'reply_no'].includes(event.type))
        .every((step) => !isIn(PAID_STATUSES, step.facts.status) || changesNothing(step)),
    )
  })

  test('the TTL closes nothing before it has passed', () => {
    always((_, steps) =>
      steps.filter(({ event, facts }) => event.type === 'ttl' && !facts.ttlPassed).every(changesNothing),
    )
  })

  test('the details are sent again at most three times', () => {
    always(({ revealResends }) => revealResends <= 3)
  })

  test('no details go to the gateway unless the unlock is PAID or later and its money is in', () => {
    always(({ sent }) =>
      sent
        .filter(({ purpose }) => purpose === 'reveal')
        .every(({ status, paidFor }) => isIn(PAID_STATUSES, status) && paidFor),
    )
  })

  test('nothing about an unlock goes to the gateway for somebody who opted out', () => {
    always(({ sent }) => sent.every(({ optedOut }) => !optedOut))
  })

  test('an event that comes twice in a row moves nothing the second time, and asks for nothing unless it is a Y', () => {
    always((world, steps) => {
      const last = steps.at(-1)
      if (last === undefined || last.event.type === 'payment') return true
      const { path, effects } = world.apply(last.event)
      return path.length === 0 && (effects.length === 0 || last.event.type === 'reply_yes')
    })
  })

  test.each([
    ['at once', false],
    ['after each was lost once', true],
  ])('when all messages arrive, %s, it ends DONE or closed, and kept money has the details out', (_, lost) => {
    eventually((world) => {
      world.settle(lost)
      if (world.keptPayments().length === 0) return ['DONE', 'EXPIRED', 'OPTED_OUT'].includes(world.status)
      const revealed = world.messages.some(({ purpose, status }) => purpose === 'reveal' && status === 'accepted')
      return world.status === 'DONE' && revealed
    })
  })
})

function isBeforeYes(status: UnlockStatus): boolean {
  return status === 'NEW_LEAD' || status === 'TEASER_SENT' || status === 'AWAIT_CONFIRM'
}
