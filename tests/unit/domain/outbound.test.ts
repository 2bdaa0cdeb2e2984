import { describe, expect, test } from 'vitest'
import {
  isStillWanted,
  PURPOSES,
  type Purpose,
  receiptOutcome,
  SEND_CLASSES,
  type SendClass,
  type SendFacts,
  sendClassOf,
  waitsForQuietHours,
} from '../../../src/domain/outbound.ts'
import { isIn, PAID_STATUSES, UNLOCK_STATUSES, type UnlockStatus } from '../../../src/domain/states.ts'

/** Every combination of facts there is. */
const EVERY_CASE: SendFacts[] = PURPOSES.flatMap((purpose) =>
  [null, ...UNLOCK_STATUSES].flatMap((unlockStatus) =>
    Array.from({ length: 32 }, (_, bits) => ({
      purpose,
      unlockStatus,
      ttlPassed: (bits & 1) > 0,
      optedOut: (bits & 2) > 0,
      linkOpen: (bits & 4) > 0,
      contactErased: (bits & 8) > 0,
      paid: (bits & 16) > 0,
    })),
  ),
)
const WANTED = EVERY_CASE.filter(isStillWanted)

function wantedIn(purpose: Purpose, facts: Partial<SendFacts>): (UnlockStatus | null)[] {
  const known = { ttlPassed: false, optedOut: false, linkOpen: true, contactErased: false, paid: true, ...facts }
  return [null, ...UNLOCK_STATUSES].filter((unlockStatus) => isStillWanted({ purpose, unlockStatus, ...known }))
}

describe('a message is sent only while it is still wanted', () => {
  test('invariant 1: no SMS with locked fields unless its unlock is PAID or later, whatever else is true', () => {
    const reveals = WANTED.filter(({ purpose }) => purpose === 'reveal')
    const statuses = new Set(reveals.map(({ unlockStatus }) => unlockStatus))
    expect([...statuses]).toEqual(['PAID', 'REVEAL_DETAILS_SENT', 'DONE'])
    expect(reveals.every(({ unlockStatus }) => unlockStatus !== null && isIn(PAID_STATUSES, unlockStatus))).toBe(true)
  })

  test('invariant 6: who opted out gets the confirmation and nothing else, whatever else is true', () => {
    const purposes = new Set(WANTED.filter(({ optedOut }) => optedOut).map(({ purpose }) => purpose))
    expect([...purposes]).toEqual(['stop_confirmation'])
  })

  test('invariant 6: the confirmation goes out in every case, and not once they have subscribed again', () => {
    const confirmations = EVERY_CASE.filter(({ purpose }) => purpose === 'stop_confirmation')
    for (const facts of confirmations) expect(isStillWanted(facts)).toBe(facts.optedOut)
  })

  test.each([true, false])('a teaser: before the offer was answered, closed or too old (link open: %s)', (linkOpen) => {
    expect(wantedIn('teaser', { linkOpen })).toEqual(['NEW_LEAD'])
    expect(wantedIn('teaser', { linkOpen, ttlPassed: true })).toEqual([])
  })

  // What the TTL ends is the offer: that closes the link, and the link's state decides here.
  test.each([true, false])(
    'a payment link: between Y and money, and while it is open (TTL passed: %s)',
    (ttlPassed) => {
      const between = ['CREATE_PAYMENT_LINK', 'PAYMENT_LINK_SENT', 'AWAITING_PAYMENT']
      expect(wantedIn('payment_link', { ttlPassed })).toEqual(between)
      expect(wantedIn('payment_link', { ttlPassed, linkOpen: false })).toEqual([])
    },
  )

  test('a reveal: whether the TTL has passed or the link is closed does not matter', () => {
    for (const [ttlPassed, linkOpen] of [
      [true, true],
      [true, false],
      [false, false],
    ]) {
      expect(wantedIn('reveal', { ttlPassed, linkOpen })).toEqual([...PAID_STATUSES])
    }
  })

  test('a reveal: not once the details are erased, nor when the money for it went back', () => {
    expect(wantedIn('reveal', { contactErased: true })).toEqual([])
    expect(wantedIn('reveal', { paid: false })).toEqual([])
  })

  test.each([
    ...(['lead_expired', 'not_on_offer', 'declined', 'resend_limit'] as const),
    ...(['details_erased', 'explain_reply', 'help', 'start_confirmation'] as const),
  ])('an answer (%s): in every state, to everyone who is subscribed', (purpose) => {
    const answers = EVERY_CASE.filter((facts) => facts.purpose === purpose)
    for (const facts of answers) expect(isStillWanted(facts)).toBe(!facts.optedOut)
  })
})

test('quiet hours hold back offers, and nothing that somebody asked for', () => {
  expect(PURPOSES.filter(waitsForQuietHours)).toEqual(['teaser'])
})

describe('what a status letter of the gateway means', () => {
  const MEANING = {
    d: 'delivered',
    f: 'undelivered',
    e: 'undelivered',
    j: 'undelivered',
    u: 'undelivered',
    g: 'undelivered',
  }
  const LETTERS = [...'abcdefghijklmnopqrstuvwxyz']

  test.each(LETTERS)('%s', (letter) => {
    expect(receiptOutcome(letter)).toBe(MEANING[letter as keyof typeof MEANING] ?? 'on_the_way')
  })

  test.each([...'qsrab'])('%s: listed by the gateway as on the way', (letter) => {
    expect(receiptOutcome(letter)).toBe('on_the_way')
  })

  test.each(['', 'D', 'dd', 'delivered', 'failed', ' d', '0', '?', 'constructor'])(
    '%j is no letter the gateway documents, and so nothing final',
    (letter) => expect(receiptOutcome(letter)).toBe('on_the_way'),
  )
})

describe('the order in which messages wait for the send limit', () => {
  test('reveals before payment links before answers before teasers', () => {
    expect(SEND_CLASSES).toEqual(['reveal', 'payment_link', 'notice', 'teaser'])
  })

  test.each(PURPOSES)('%s', (purpose) => {
    const own: Partial<Record<Purpose, SendClass>> = {
      reveal: 'reveal',
      payment_link: 'payment_link',
      teaser: 'teaser',
    }
    expect(sendClassOf(purpose)).toBe(own[purpose] ?? 'notice')
  })
})
