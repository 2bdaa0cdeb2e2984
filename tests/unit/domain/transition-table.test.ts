import { describe, expect, test } from 'vitest'
import { CLOSED_REASONS, UNLOCK_STATUSES, type UnlockStatus } from '../../../src/domain/states.ts'
import { type Decision, type Effect, next, type UnlockEvent, type UnlockFacts } from '../../../src/domain/transition.ts'

/** What a decision says, in one line: `AWAIT_CONFIRM > EXPIRED(declined) | close_links, notice:declined`. */
type Outcome = string
type Given = UnlockFacts & { latePayment: 'reveal' | 'refund'; inTime: boolean }
/** An outcome that depends on the facts lists its cases: every combination of facts must fall into exactly one. */
type Cell = Outcome | readonly (readonly [when: string, Outcome])[]
type Table = Record<UnlockEvent['type'], Record<UnlockStatus, Cell>>

const CONDITIONS: Record<string, (given: Given) => boolean> = {
  'ttl open': (given) => !given.ttlPassed,
  'ttl passed': (given) => given.ttlPassed,
  'teaser out, ttl open': (given) => given.teaserAttempted && !given.ttlPassed,
  'teaser out, ttl passed': (given) => given.teaserAttempted && given.ttlPassed,
  'teaser out': (given) => given.teaserAttempted,
  'teaser not out': (given) => !given.teaserAttempted,
  'reveal out': (given) => given.revealAttempted,
  'reveal not out': (given) => !given.revealAttempted,
  'resends left': (given) => !given.moneyBack && !given.contactErased && given.revealResends < 3,
  'resends used up': (given) => !given.moneyBack && !given.contactErased && given.revealResends >= 3,
  'money back': (given) => given.moneyBack,
  'money kept, contact erased': (given) => !given.moneyBack && given.contactErased,
  'declined, ttl open': (given) => !given.contactErased && given.closedReason === 'declined' && !given.ttlPassed,
  'declined, ttl open, but contact erased': (given) =>
    given.contactErased && given.closedReason === 'declined' && !given.ttlPassed,
  'declined, ttl passed': (given) => given.closedReason === 'declined' && given.ttlPassed,
  'closed by ttl or admin': (given) => given.closedReason !== 'declined',
  'late payments are revealed, or it came before the ttl closed this': (given) =>
    !given.contactErased && (given.latePayment === 'reveal' || (given.closedReason === 'ttl' && given.inTime)),
  'late payments are refunded, and it came after the ttl, or another thing closed this': (given) =>
    !given.contactErased && given.latePayment === 'refund' && (given.closedReason !== 'ttl' || !given.inTime),
  'contact erased': (given) => given.contactErased,
  'contact there': (given) => !given.contactErased,
}

const NOTHING = '-'
const EXPIRE = 'EXPIRED(ttl) | close_links'
const EXPIRE_AND_SAY = 'EXPIRED(ttl) | close_links, notice:lead_expired'
const EXPIRE_BY_ADMIN = 'EXPIRED(admin) | close_links'
const DECLINE = 'EXPIRED(declined) | close_links, notice:declined'
const OPT_OUT = 'OPTED_OUT | close_links'
const PAY = 'PAID | keep_payment, close_links, reveal'
const REFUND_ERASED = '- | refund_payment:contact_erased'
const PAY_IF_THERE = [
  ['contact there', PAY],
  ['contact erased', REFUND_ERASED],
] as const
const SAY_EXPIRED = '- | notice:lead_expired'
const REFUND_SECOND = '- | refund_payment:second_payment'

/** What each event does in each state, cell by cell. */
const TABLE: Table = {
  teaser_accepted: {
    NEW_LEAD: 'TEASER_SENT > AWAIT_CONFIRM',
    TEASER_SENT: NOTHING,
    AWAIT_CONFIRM: NOTHING,
    CHECK_EXISTING_PAYMENT: NOTHING,
    CREATE_PAYMENT_LINK: NOTHING,
    PAYMENT_LINK_SENT: NOTHING,
    AWAITING_PAYMENT: NOTHING,
    PAID: NOTHING,
    REVEAL_DETAILS_SENT: NOTHING,
    DONE: NOTHING,
    EXPIRED: NOTHING,
    OPTED_OUT: NOTHING,
  },
  reply_yes: {
    NEW_LEAD: [
      ['teaser not out', '- | notice:not_on_offer'],
      ['teaser out, ttl open', 'TEASER_SENT > AWAIT_CONFIRM > CHECK_EXISTING_PAYMENT | create_link'],
      ['teaser out, ttl passed', EXPIRE_AND_SAY],
    ],
    TEASER_SENT: [
      ['ttl open', 'AWAIT_CONFIRM > CHECK_EXISTING_PAYMENT | create_link'],
      ['ttl passed', EXPIRE_AND_SAY],
    ],
    AWAIT_CONFIRM: [
      ['ttl open', 'CHECK_EXISTING_PAYMENT | create_link'],
      ['ttl passed', EXPIRE_AND_SAY],
    ],
    CHECK_EXISTING_PAYMENT: [
      ['ttl open', '- | retry_link'],
      ['ttl passed', EXPIRE_AND_SAY],
    ],
    CREATE_PAYMENT_LINK: [
      ['ttl open', '- | retry_link'],
      ['ttl passed', EXPIRE_AND_SAY],
    ],
    PAYMENT_LINK_SENT: [
      ['ttl open', '- | resend_link'],
      ['ttl passed', EXPIRE_AND_SAY],
    ],
    AWAITING_PAYMENT: [
      ['ttl open', '- | resend_link'],
      ['ttl passed', EXPIRE_AND_SAY],
    ],
    PAID: '- | retry_reveal',
    REVEAL_DETAILS_SENT: [
      ['resends left', '- | resend_reveal'],
      ['resends used up', '- | notice:resend_limit'],
      ['money kept, contact erased', '- | notice:details_erased'],
      ['money back', SAY_EXPIRED],
    ],
    DONE: [
      ['resends left', '- | resend_reveal'],
      ['resends used up', '- | notice:resend_limit'],
      ['money kept, contact erased', '- | notice:details_erased'],
      ['money back', SAY_EXPIRED],
    ],
    EXPIRED: [
      ['declined, ttl open', 'CHECK_EXISTING_PAYMENT | create_link'],
      ['declined, ttl open, but contact erased', SAY_EXPIRED],
      ['declined, ttl passed', SAY_EXPIRED],
      ['closed by ttl or admin', SAY_EXPIRED],
    ],
    OPTED_OUT: SAY_EXPIRED,
  },
  reply_no: {
    NEW_LEAD: [
      ['teaser out', DECLINE],
      ['teaser not out', NOTHING],
    ],
    TEASER_SENT: DECLINE,
    AWAIT_CONFIRM: DECLINE,
    CHECK_EXISTING_PAYMENT: DECLINE,
    CREATE_PAYMENT_LINK: DECLINE,
    PAYMENT_LINK_SENT: DECLINE,
    AWAITING_PAYMENT: DECLINE,
    PAID: NOTHING,
    REVEAL_DETAILS_SENT: NOTHING,
    DONE: NOTHING,
    EXPIRED: NOTHING,
    OPTED_OUT: NOTHING,
  },
  stop: {
    NEW_LEAD: OPT_OUT,
    TEASER_SENT: OPT_OUT,
    AWAIT_CONFIRM: OPT_OUT,
    CHECK_EXISTING_PAYMENT: OPT_OUT,
    CREATE_PAYMENT_LINK: OPT_OUT,
    PAYMENT_LINK_SENT: OPT_OUT,
    AWAITING_PAYMENT: OPT_OUT,
    PAID: [
      ['reveal not out', 'OPTED_OUT | close_links, refund_payment:opted_out_before_reveal'],
      ['reveal out', NOTHING],
    ],
    REVEAL_DETAILS_SENT: NOTHING,
    DONE: NOTHING,
    EXPIRED: NOTHING,
    OPTED_OUT: NOTHING,
  },
  ttl: {
    NEW_LEAD: [
      ['ttl open', NOTHING],
      ['ttl passed', EXPIRE],
    ],
    TEASER_SENT: [
      ['ttl open', NOTHING],
      ['ttl passed', EXPIRE],
    ],
    AWAIT_CONFIRM: [
      ['ttl open', NOTHING],
      ['ttl passed', EXPIRE],
    ],
    CHECK_EXISTING_PAYMENT: [
      ['ttl open', NOTHING],
      ['ttl passed', EXPIRE_AND_SAY],
    ],
    CREATE_PAYMENT_LINK: [
      ['ttl open', NOTHING],
      ['ttl passed', EXPIRE_AND_SAY],
    ],
    PAYMENT_LINK_SENT: [
      ['ttl open', NOTHING],
      ['ttl passed', EXPIRE],
    ],
    AWAITING_PAYMENT: [
      ['ttl open', NOTHING],
      ['ttl passed', EXPIRE],
    ],
    PAID: NOTHING,
    REVEAL_DETAILS_SENT: NOTHING,
    DONE: NOTHING,
    EXPIRED: NOTHING,
    OPTED_OUT: NOTHING,
  },
  admin_expire: {
    NEW_LEAD: EXPIRE_BY_ADMIN,
    TEASER_SENT: EXPIRE_BY_ADMIN,
    AWAIT_CONFIRM: EXPIRE_BY_ADMIN,
    CHECK_EXISTING_PAYMENT: EXPIRE_BY_ADMIN,
    CREATE_PAYMENT_LINK: EXPIRE_BY_ADMIN,
    PAYMENT_LINK_SENT: EXPIRE_BY_ADMIN,
    AWAITING_PAYMENT: EXPIRE_BY_ADMIN,
    PAID: NOTHING,
    REVEAL_DETAILS_SENT: NOTHING,
    DONE: NOTHING,
    EXPIRED: NOTHING,
    OPTED_OUT: NOTHING,
  },
  no_payment_found: {
    NEW_LEAD: NOTHING,
    TEASER_SENT: NOTHING,
    AWAIT_CONFIRM: NOTHING,
    CHECK_EXISTING_PAYMENT: 'CREATE_PAYMENT_LINK',
    CREATE_PAYMENT_LINK: NOTHING,
    PAYMENT_LINK_SENT: NOTHING,
    AWAITING_PAYMENT: NOTHING,
    PAID: NOTHING,
    REVEAL_DETAILS_SENT: NOTHING,
    DONE: NOTHING,
    EXPIRED: NOTHING,
    OPTED_OUT: NOTHING,
  },
  link_accepted: {
    NEW_LEAD: NOTHING,
    TEASER_SENT: NOTHING,
    AWAIT_CONFIRM: NOTHING,
    CHECK_EXISTING_PAYMENT: NOTHING,
    CREATE_PAYMENT_LINK: 'PAYMENT_LINK_SENT > AWAITING_PAYMENT',
    PAYMENT_LINK_SENT: NOTHING,
    AWAITING_PAYMENT: NOTHING,
    PAID: NOTHING,
    REVEAL_DETAILS_SENT: NOTHING,
    DONE: NOTHING,
    EXPIRED: NOTHING,
    OPTED_OUT: NOTHING,
  },
  payment: {
    NEW_LEAD: PAY_IF_THERE,
    TEASER_SENT: PAY_IF_THERE,
    AWAIT_CONFIRM: PAY_IF_THERE,
    CHECK_EXISTING_PAYMENT: PAY_IF_THERE,
    CREATE_PAYMENT_LINK: PAY_IF_THERE,
    PAYMENT_LINK_SENT: PAY_IF_THERE,
    AWAITING_PAYMENT: PAY_IF_THERE,
    PAID: REFUND_SECOND,
    REVEAL_DETAILS_SENT: REFUND_SECOND,
    DONE: REFUND_SECOND,
    EXPIRED: [
      ['late payments are revealed, or it came before the ttl closed this', PAY],
      [
        'late payments are refunded, and it came after the ttl, or another thing closed this',
        '- | refund_payment:late_payment',
      ],
      ['contact erased', REFUND_ERASED],
    ],
    OPTED_OUT: '- | refund_payment:paid_after_opt_out',
  },
  payment_returned: {
    NEW_LEAD: NOTHING,
    TEASER_SENT: NOTHING,
    AWAIT_CONFIRM: NOTHING,
    CHECK_EXISTING_PAYMENT: NOTHING,
    CREATE_PAYMENT_LINK: NOTHING,
    PAYMENT_LINK_SENT: NOTHING,
    AWAITING_PAYMENT: NOTHING,
    PAID: EXPIRE_BY_ADMIN,
    REVEAL_DETAILS_SENT: NOTHING,
    DONE: NOTHING,
    EXPIRED: NOTHING,
    OPTED_OUT: NOTHING,
  },
  reveal_accepted: {
    NEW_LEAD: NOTHING,
    TEASER_SENT: NOTHING,
    AWAIT_CONFIRM: NOTHING,
    CHECK_EXISTING_PAYMENT: NOTHING,
    CREATE_PAYMENT_LINK: NOTHING,
    PAYMENT_LINK_SENT: NOTHING,
    AWAITING_PAYMENT: NOTHING,
    PAID: 'REVEAL_DETAILS_SENT',
    REVEAL_DETAILS_SENT: NOTHING,
    DONE: NOTHING,
    EXPIRED: NOTHING,
    OPTED_OUT: NOTHING,
  },
  reveal_confirmed: {
    NEW_LEAD: NOTHING,
    TEASER_SENT: NOTHING,
    AWAIT_CONFIRM: NOTHING,
    CHECK_EXISTING_PAYMENT: NOTHING,
    CREATE_PAYMENT_LINK: NOTHING,
    PAYMENT_LINK_SENT: NOTHING,
    AWAITING_PAYMENT: NOTHING,
    PAID: NOTHING,
    REVEAL_DETAILS_SENT: 'DONE',
    DONE: NOTHING,
    EXPIRED: NOTHING,
    OPTED_OUT: NOTHING,
  },
}

const EVENT_TYPES = Object.keys(TABLE) as UnlockEvent['type'][]

/** Every combination of facts an unlock in this state can have. */
function* everyGiven(status: UnlockStatus): Generator<Given> {
  for (const closedReason of status === 'EXPIRED' ? CLOSED_REASONS : [null])
    for (const ttlPassed of [false, true])
      for (const teaserAttempted of [false, true])
        for (const revealAttempted of [false, true])
          for (const revealResends of [0, 1, 2, 3, 4])
            for (const moneyBack of [false, true])
              for (const contactErased of [false, true])
                for (const latePayment of ['reveal', 'refund'] as const)
                  for (const inTime of [false, true]) {
                    const known = { status, closedReason, ttlPassed, teaserAttempted, revealAttempted, moneyBack }
                    yield { ...known, revealResends, contactErased, latePayment, inTime }
                  }
}

function eventOf(type: UnlockEvent['type'], { latePayment, inTime }: Given): UnlockEvent {
  return type === 'payment' ? { type, latePayment, inTime } : { type }
}

function everyCase(): { given: Given; event: UnlockEvent }[] {
  return EVENT_TYPES.flatMap((type) =>
    UNLOCK_STATUSES.flatMap((status) =>
      [...everyGiven(status)].map((given) => ({ given, event: eventOf(type, given) })),
    ),
  )
}

function expectedOutcome(cell: Cell, given: Given): Outcome {
  if (typeof cell === 'string') return cell
  const matching = cell.filter(([when]) => CONDITIONS[when]?.(given))
  expect(matching, `cases that hold for ${JSON.stringify(given)}`).toHaveLength(1)
  return matching[0]?.[1] ?? 'no case'
}

function show({ path, closedReason, effects }: Decision): Outcome {
  const states = path.map((status, index) =>
    closedReason !== null && index === path.length - 1 ? `${status}(${closedReason})` : status,
  )
  const moved = states.length === 0 ? '-' : states.join(' > ')
  return effects.length === 0 ? moved : `${moved} | ${effects.map(showEffect).join(', ')}`
}

function showEffect(effect: Effect): string {
  if (effect.type === 'notice') return `notice:${effect.notice}`
  return effect.type === 'refund_payment' ? `refund_payment:${effect.because}` : effect.type
}

describe.each(EVENT_TYPES)('%s', (type) => {
  test.each(UNLOCK_STATUSES)('in %s does what the table says, whatever the other facts', (status) => {
    for (const given of everyGiven(status)) {
      const { latePayment, inTime, ...facts } = given
      const decision = next(facts, eventOf(type, given))
      expect(show(decision), JSON.stringify(given)).toBe(expectedOutcome(TABLE[type][status], given))
    }
  })
})

test('the table has all twelve states for all twelve events', () => {
  expect(EVENT_TYPES).toHaveLength(12)
  for (const type of EVENT_TYPES) expect(Object.keys(TABLE[type])).toEqual([...UNLOCK_STATUSES])
})

test('a closing reason comes with a path that ends in EXPIRED, and only with such a path', () => {
  const wrong = everyCase().filter(({ given, event }) => {
    const { path, closedReason } = next(given, event)
    return (closedReason !== null) !== (path.at(-1) === 'EXPIRED') || path.slice(0, -1).includes('EXPIRED')
  })
  expect(wrong).toEqual([])
})

test('deciding leaves the facts as they are and comes out the same each time', () => {
  const decideAll = () => everyCase().map(({ given, event }) => show(next(Object.freeze({ ...given }), event)))
  expect(decideAll()).toEqual(decideAll())
})
