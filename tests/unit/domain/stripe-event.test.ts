import { describe, expect, it } from 'vitest'
import { madeAt, readStripeEvent } from '../../../src/domain/stripe-event.ts'

const SESSION = {
  id: 'cs_1',
  payment_status: 'paid',
  payment_link: 'plink_1',
  payment_intent: 'pi_1',
  amount_total: 2000,
  currency: 'usd',
  metadata: { unlock_id: '7' },
}
const CHARGE = { id: 'ch_1', payment_intent: 'pi_1', amount: 2000, amount_refunded: 500 }
const REFUND = { id: 're_1', payment_intent: 'pi_1', amount: 500, status: 'pending', metadata: {} }
const DISPUTE = { id: 'dp_1', payment_intent: 'pi_1', status: 'needs_response' }

const event = (type: string, object: unknown) => ({ id: 'evt_1', type, data: { object } })
const read = (type: string, object: unknown) => readStripeEvent(event(type, object), false)

const COMPLETED = 'checkout.session.completed'
const SUCCEEDED = 'checkout.session.async_payment_succeeded'

describe('an event of Stripe', () => {
  it.each([
    [COMPLETED, 'paid', 'paid'],
    [COMPLETED, 'no_payment_required', 'paid'],
    [COMPLETED, 'unpaid', 'unpaid'],
    [COMPLETED, 'a status of tomorrow', 'unpaid'],
    [SUCCEEDED, 'paid', 'paid'],
    [SUCCEEDED, 'unpaid', 'unpaid'],
    ['checkout.session.async_payment_failed', 'paid', 'payment_failed'],
    ['checkout.session.expired', 'unpaid', 'session_expired'],
  ])('%s whose session is %s says %s', (type, payment_status, kind) => {
    const session = { ...SESSION, payment_status }
    expect(read(type, session)).toEqual({ kind, session })
  })

  it('of the test mode says nothing of real money', () => {
    const paid = event(COMPLETED, SESSION)
    expect(readStripeEvent({ ...paid, livemode: false }, true)).toEqual({ kind: 'test_mode', type: COMPLETED })
    for (const [told, isLive] of [
      [{ livemode: true }, true],
      [{ livemode: false }, false],
      [{}, true],
    ] as const) {
      expect(readStripeEvent({ ...paid, ...told }, isLive)).toEqual({ kind: 'paid', session: SESSION })
    }
  })

  it('charge.refunded tells the charge, of which a part may be refunded', () => {
    expect(read('charge.refunded', CHARGE)).toEqual({ kind: 'charge_refunded', charge: CHARGE })
  })

  it.each(['refund.created', 'refund.updated', 'refund.failed'])('%s tells how the refund stands', (type) => {
    expect(read(type, REFUND)).toEqual({ kind: 'refund_changed', refund: REFUND })
  })

  it.each([
    ['charge.dispute.created', false],
    ['charge.dispute.funds_withdrawn', false],
    ['charge.dispute.closed', true],
  ])('%s tells of a dispute, and that it is over: %s', (type, closed) => {
    expect(read(type, DISPUTE)).toEqual({ kind: 'dispute', dispute: DISPUTE, closed })
  })

  it.each(['payment_link.payment_succeeded', 'payment_intent.succeeded', 'charge.succeeded', 'x'])(
    '%s changes nothing, whatever is in it',
    (type) => {
      expect(read(type, null)).toEqual({ kind: 'ignored', type })
    },
  )

  it.each([
    [COMPLETED, { id: 'cs_1', payment_status: 'paid' }],
    [COMPLETED, { ...SESSION, payment_intent: null, payment_link: null, amount_total: null, metadata: null }],
    [COMPLETED, { ...SESSION, amount_total: 0, field_of_tomorrow: {} }],
    ['charge.refunded', { ...CHARGE, payment_intent: null }],
    ['refund.updated', { ...REFUND, status: null }],
  ])('%s is read though it leaves out what Stripe may leave out: %j', (type, object) => {
    expect(read(type, object)).not.toBeNull()
  })

  it.each([
    [COMPLETED, null],
    [COMPLETED, 'cs_1'],
    [COMPLETED, { ...SESSION, id: '' }],
    [COMPLETED, { ...SESSION, payment_status: undefined }],
    [COMPLETED, { ...SESSION, amount_total: -1 }],
    [COMPLETED, { ...SESSION, amount_total: 20.5 }],
    [COMPLETED, { ...SESSION, amount_total: '2000' }],
    [COMPLETED, { ...SESSION, payment_intent: { id: 'pi_1' } }],
    [COMPLETED, { ...SESSION, metadata: { unlock_id: 7 } }],
    [SUCCEEDED, {}],
    ['checkout.session.async_payment_failed', {}],
    ['checkout.session.expired', {}],
    ['charge.refunded', { ...CHARGE, amount_refunded: undefined }],
    ['refund.failed', { ...REFUND, amount: undefined }],
    ['charge.dispute.created', { ...DISPUTE, status: undefined }],
    ['charge.dispute.closed', {}],
  ])('%s of the wrong shape is for a person to look at: %j', (type, object) => {
    expect(read(type, object)).toBeNull()
  })

  it.each([
    null,
    'text',
    [],
    {},
    { id: 'evt_1', type: COMPLETED },
    { ...event('', SESSION) },
    { ...event(COMPLETED, SESSION), id: 5 },
  ])('is none: %j', (content) => {
    expect(readStripeEvent(content, false)).toBeNull()
  })
})

describe('an event was made', () => {
  it('in the second that it names', () => {
    expect(madeAt({ created: 1_795_860_000 })).toEqual(new Date('2026-11-28T10:00:00Z'))
  })

  it.each([undefined, null, '1795860000', 0, -5, Number.NaN, 1e300, Date.UTC(10_000, 0) / 1000])(
    'at no time that is known when it names %s',
    (created) => {
      expect(madeAt({ created })).toBeNull()
    },
  )
})
