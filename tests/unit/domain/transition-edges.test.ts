import { expect, test } from 'vitest'
import {
  CLOSED_REASONS,
  isIn,
  LINK_DUE_STATUSES,
  LINK_SENT_STATUSES,
  PAID_STATUSES,
  UNLOCK_STATUSES,
  UNPAID_STATUSES,
  type UnlockStatus,
} from '../../../src/domain/states.ts'
import { next, type UnlockEvent } from '../../../src/domain/transition.ts'

/** The way of an unlock from teaser to reveal. */
const DIAGRAM = [
  ...['NEW_LEAD>TEASER_SENT', 'TEASER_SENT>AWAIT_CONFIRM', 'AWAIT_CONFIRM>CHECK_EXISTING_PAYMENT'],
  ...['CHECK_EXISTING_PAYMENT>CREATE_PAYMENT_LINK', 'CREATE_PAYMENT_LINK>PAYMENT_LINK_SENT'],
  ...['PAYMENT_LINK_SENT>AWAITING_PAYMENT', 'AWAITING_PAYMENT>PAID', 'PAID>REVEAL_DETAILS_SENT'],
  'REVEAL_DETAILS_SENT>DONE',
]

/** The other ways. From anywhere unpaid: "N", TTL and STOP; and money, which is never turned away. */
const CASES = [
  ...UNPAID_STATUSES.flatMap((from) => [`${from}>EXPIRED`, `${from}>OPTED_OUT`, `${from}>PAID`]),
  'EXPIRED>CHECK_EXISTING_PAYMENT',
  'EXPIRED>PAID',
  // Paid, and the details not out yet: STOP, or the money given back by a person.
  'PAID>OPTED_OUT',
  'PAID>EXPIRED',
]

const EVENTS: UnlockEvent[] = [
  ...(['teaser_accepted', 'reply_yes', 'reply_no', 'stop', 'ttl', 'admin_expire'] as const).map((type) => ({ type })),
  ...(['no_payment_found', 'link_accepted', 'payment_returned'] as const).map((type) => ({ type })),
  ...(['reveal_accepted', 'reveal_confirmed'] as const).map((type) => ({ type })),
  { type: 'payment', latePayment: 'reveal', inTime: false },
  { type: 'payment', latePayment: 'refund', inTime: false },
  { type: 'payment', latePayment: 'refund', inTime: true },
]

function edgesTaken(): Set<string> {
  const edges = new Set<string>()
  for (const status of UNLOCK_STATUSES)
    for (const closedReason of status === 'EXPIRED' ? CLOSED_REASONS : [null])
      for (const flags of Array.from({ length: 32 }, (_, bits) => bits))
        for (const revealResends of [0, 3])
          for (const event of EVENTS) {
            const [ttlPassed, teaserAttempted, revealAttempted] = [(flags & 1) > 0, (flags & 2) > 0, (flags & 4) > 0]
            const attempted = { teaserAttempted, revealAttempted }
            const contactErased = (flags & 8) > 0
            const moneyBack = (flags & 16) > 0
            const facts = { status, closedReason, ttlPassed, ...attempted, revealResends, moneyBack, contactErased }
            let from: UnlockStatus = status
            for (const to of next(facts, event).path) {
              edges.add(`${from}>${to}`)
              from = to
            }
          }
  return edges
}

test('the ways from state to state are those of the diagram and the cases, all of them and no other', () => {
  expect([...edgesTaken()].sort()).toEqual([...new Set([...DIAGRAM, ...CASES])].sort())
})

test('no way leads out of DONE or OPTED_OUT', () => {
  expect([...edgesTaken()].filter((edge) => /^(DONE|OPTED_OUT)>/.test(edge))).toEqual([])
})

test('the states are twelve, in the order of the diagram', () => {
  const inOrder = DIAGRAM.map((edge) => edge.split('>')[0])
  expect(UNLOCK_STATUSES).toEqual([...inOrder, 'DONE', 'EXPIRED', 'OPTED_OUT'])
})

test('every state is unpaid, paid or closed, and only one of them', () => {
  expect([...UNPAID_STATUSES, ...PAID_STATUSES, 'EXPIRED', 'OPTED_OUT']).toEqual([...UNLOCK_STATUSES])
})

test('a payment page is due, then with the provider, in the four states between Y and money', () => {
  expect([...LINK_DUE_STATUSES, ...LINK_SENT_STATUSES]).toEqual([
    'CHECK_EXISTING_PAYMENT',
    'CREATE_PAYMENT_LINK',
    'PAYMENT_LINK_SENT',
    'AWAITING_PAYMENT',
  ])
})

test('a state is in a group exactly when the group lists it', () => {
  expect(UNLOCK_STATUSES.filter((status) => isIn(PAID_STATUSES, status))).toEqual([
    'PAID',
    'REVEAL_DETAILS_SENT',
    'DONE',
  ])
  expect(UNLOCK_STATUSES.filter((status) => isIn([], status))).toEqual([])
})
