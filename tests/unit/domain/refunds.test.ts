import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  hasFailed,
  judgeRefunds,
  type KnownRefund,
  namelessCents,
  type PaymentStatus,
  REFUND_STATUSES,
  type RefundStatus,
  type RefundVerdict,
  toRefundStatus,
} from '../../../src/domain/refunds.ts'

const AMOUNT = 2000

const refund = (status: RefundStatus, amountCents = AMOUNT, refundId = 're_1'): KnownRefund => ({
  refundId,
  status,
  amountCents,
})

const judge = (status: PaymentStatus, refunds: KnownRefund[], { ours = null as string | null, cents = 0 } = {}) =>
  judgeRefunds({ status, amountCents: AMOUNT, refundedCents: cents, refundId: ours }, refunds, refunds.filter(isFailed))

const isFailed = ({ status }: KnownRefund) => hasFailed(status)

describe('a refund that a person made', () => {
  it.each(['kept', 'held'] as const)('of the whole returns a %s payment as soon as it was asked for', (status) => {
    expect(judge(status, [refund('pending')])).toEqual({ type: 'returned' })
  })

  it('of a part is a part, and two parts are the whole', () => {
    expect(judge('kept', [refund('succeeded', 500)])).toEqual({ type: 'in_part', cents: 500 })
    expect(judge('kept', [refund('succeeded', 500)], { cents: 500 })).toEqual({ type: 'unchanged' })
    expect(judge('kept', [refund('succeeded', 500), refund('pending', 1500, 're_2')])).toEqual({ type: 'returned' })
  })

  it('that failed before the payment was given back takes its part back', () => {
    expect(judge('kept', [refund('failed', 500)], { cents: 500 })).toEqual({ type: 'in_part', cents: 0 })
  })

  it('that failed before it counted changes nothing', () => {
    const parts = [refund('succeeded', 500), refund('failed', 700, 're_2')]
    expect(judge('kept', parts, { cents: 500 })).toEqual({ type: 'unchanged' })
  })

  it('of a part does not make less of a sum that its charge told of, unless one has failed', () => {
    expect(judge('kept', [refund('succeeded', 500)], { cents: 1200 })).toEqual({ type: 'unchanged' })
    const parts = [refund('succeeded', 500), refund('failed', 700, 're_2')]
    expect(judge('kept', parts, { cents: 1200 })).toEqual({ type: 'in_part', cents: 500 })
  })

  it('of a part that fails later makes the whole fail', () => {
    const parts = [refund('succeeded', 500), refund('failed', 1500, 're_2')]
    expect(judge('refunded', parts)).toEqual({ type: 'failed', code: 'failed', cents: 500 })
  })
})

describe('what is known by its sum alone', () => {
  it('is what no refund explains that stands', () => {
    const known = [refund('pending', 500), refund('failed', 700, 're_2')]
    expect(namelessCents(1200, known, known)).toBe(700)
    expect(namelessCents(500, known, known)).toBe(0)
    expect(namelessCents(0, known, known)).toBe(0)
  })

  it('gets less by each refund that becomes known, whatever became of it', () => {
    expect(namelessCents(2000, [], [refund('succeeded', 1500)])).toBe(500)
    expect(namelessCents(2000, [], [refund('failed', 500), refund('succeeded', 300, 're_2')])).toBe(1200)
    expect(namelessCents(500, [], [refund('succeeded')])).toBe(0)
  })

  it('stays as it is when a refund that was known fails', () => {
    expect(namelessCents(2000, [refund('succeeded', 1500)], [refund('failed', 1500)])).toBe(500)
  })
})

describe('a refund that we asked for', () => {
  it('returns the payment when it succeeded, and not before', () => {
    expect(judge('refund_pending', [refund('pending')], { ours: 're_1' })).toEqual({ type: 'unchanged' })
    expect(judge('refund_pending', [refund('requires_action')], { ours: 're_1' })).toEqual({ type: 'unchanged' })
    expect(judge('refund_pending', [refund('succeeded')], { ours: 're_1' })).toEqual({ type: 'returned' })
  })

  it.each(['failed', 'canceled'] as const)('that is %s in the end has failed', (status) => {
    const failed = { type: 'failed', code: status }
    expect(judge('refund_pending', [refund(status)], { ours: 're_1' })).toEqual({ ...failed, cents: 0 })
    const rest = [refund('succeeded', 500, 're_0'), refund(status, 1500)]
    expect(judge('refund_pending', rest, { ours: 're_1', cents: 500 })).toEqual({ ...failed, cents: 500 })
  })

  it('of what a person left fails with that part, whichever of them is known first', () => {
    const parts = [refund('failed', 500), refund('succeeded', 1500, 're_2')]
    const failed = { type: 'failed', code: 'failed', cents: 1500 }
    expect(judge('refund_pending', parts, { ours: 're_2' })).toEqual(failed)
    expect(judge('refunded', parts, { ours: 're_2' })).toEqual(failed)
  })

  it('anew after one that failed returns the payment', () => {
    const tries = [refund('failed'), refund('succeeded', AMOUNT, 're_2')]
    expect(judge('refund_pending', tries, { ours: 're_2' })).toEqual({ type: 'returned' })
  })

  it('is overtaken by a person’s own of the whole', () => {
    const both = [refund('pending'), refund('succeeded', AMOUNT, 're_2')]
    expect(judge('refund_pending', both, { ours: 're_1' })).toEqual({ type: 'returned' })
  })

  it('of what a person left returns the payment, whether or not that part is known', () => {
    expect(judge('refund_pending', [refund('succeeded', 1500)], { ours: 're_1' })).toEqual({ type: 'returned' })
  })

  it('whose word comes before its own answer is recorded counts when it succeeded', () => {
    expect(judge('refund_due', [refund('pending')])).toEqual({ type: 'unchanged' })
    expect(judge('refund_due', [refund('failed')])).toEqual({ type: 'unchanged' })
    expect(judge('refund_due', [refund('succeeded')])).toEqual({ type: 'returned' })
  })
})

it('a payment whose refund failed is returned by another one, once that succeeded', () => {
  expect(judge('refund_failed', [refund('failed'), refund('pending', AMOUNT, 're_2')])).toEqual({ type: 'unchanged' })
  expect(judge('refund_failed', [refund('failed'), refund('succeeded', AMOUNT, 're_2')])).toEqual({ type: 'returned' })
})

it('a payment that is to go back tells of the parts that a person gave back, and of one that failed', () => {
  for (const status of ['refund_due', 'refund_failed'] as const) {
    const parts = [refund('failed'), refund('succeeded', 500, 're_2')]
    expect(judge(status, parts)).toEqual({ type: 'in_part', cents: 500 })
    expect(judge(status, parts, { cents: 500 })).toEqual({ type: 'unchanged' })
    expect(judge(status, [refund('failed', 500)], { cents: 500 })).toEqual({ type: 'in_part', cents: 0 })
  }
})

it('a payment that is back stays so when another refund fails, and when one of a part is heard of late', () => {
  expect(judge('refunded', [refund('succeeded'), refund('failed', 500, 're_2')])).toEqual({ type: 'unchanged' })
  expect(judge('refunded', [refund('succeeded', 500)])).toEqual({ type: 'unchanged' })
})

it('in whatever order and however often the words of refunds come, a payment counts as refunded when all its money is back', () => {
  const story = fc.record({
    amountCents: fc.constantFrom(500, 1500, AMOUNT),
    words: fc.constantFrom<RefundStatus[]>(['pending', 'succeeded'], ['pending', 'failed'], ['succeeded', 'failed']),
  })
  const stories = fc.array(story, { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(stories, fc.infiniteStream(fc.nat()), (refunds, order) => {
      const words = refunds.flatMap(({ amountCents, words }, index) =>
        words.map((status) => refund(status, amountCents, `re_${index}`)),
      )
      const shuffled = [...words, ...words]
        .map((word) => ({ word, at: order.next().value ?? 0 }))
        .sort((one, other) => one.at - other.at)
        .map(({ word }) => word)
      const payment = shuffled.reduce(hear, { status: 'kept' as PaymentStatus, cents: 0, known: [] as KnownRefund[] })
      const back = payment.known.filter(({ status }) => status === 'succeeded')
      const isWhole = back.reduce((cents, { amountCents }) => cents + amountCents, 0) >= AMOUNT
      expect(payment.status === 'refunded').toBe(isWhole)
    }),
  )
})

type Heard = { status: PaymentStatus; cents: number; known: KnownRefund[] }

/** One word after the other, as the database keeps them. */
function hear({ status, cents, known }: Heard, word: KnownRefund): Heard {
  const before = known.find(({ refundId }) => refundId === word.refundId)
  const isNews = before === undefined || rank(before) < rank(word)
  const now = isNews ? [...known.filter((one) => one !== before), word] : known
  const payment = { status, amountCents: AMOUNT, refundedCents: cents, refundId: null }
  const verdict = judgeRefunds(payment, now, isNews && isFailed(word) ? [word] : [])
  return { ...after(verdict, status, cents), known: now }
}

const rank = ({ status }: KnownRefund) => REFUND_STATUSES.indexOf(status)

function after(verdict: RefundVerdict, status: PaymentStatus, cents: number): { status: PaymentStatus; cents: number } {
  switch (verdict.type) {
    case 'returned':
      return { status: 'refunded', cents: AMOUNT }
    case 'failed':
      return { status: 'refund_failed', cents: verdict.cents }
    case 'in_part':
      return { status, cents: verdict.cents }
    case 'unchanged':
      return { status, cents }
  }
}

it.each(REFUND_STATUSES)('%s is taken for what it says', (status) => {
  expect(toRefundStatus(status)).toBe(status)
})

it('a status that is not known says nothing final', () => {
  expect(toRefundStatus('held_back')).toBe('pending')
  expect(toRefundStatus(null)).toBe('pending')
})
