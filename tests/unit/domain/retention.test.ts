import { describe, expect, test } from 'vitest'
import {
  type ErasureFacts,
  isRetentionOver,
  obstacleToErasure,
  type UnlockAtRest,
} from '../../../src/domain/retention.ts'
import { UNLOCK_STATUSES, UNPAID_STATUSES, type UnlockStatus } from '../../../src/domain/states.ts'

const DAY_MS = 86_400_000
const NOW = new Date('2030-01-01T12:00:00Z')
const daysAgo = (days: number) => new Date(NOW.getTime() - days * DAY_MS)

function unlock(status: UnlockStatus, more: Partial<UnlockAtRest> = {}): UnlockAtRest {
  const closedReason = status === 'EXPIRED' ? 'ttl' : null
  const times = { updatedAt: daysAgo(200), ttlExpiresAt: daysAgo(199) }
  return { status, closedReason, awaitsConfirmation: false, ...times, ...more }
}

function lead(unlocks: UnlockAtRest[], more: Partial<ErasureFacts> = {}): ErasureFacts {
  const settled = { openLinks: 0, unsentReveals: 0, undeliveredDetails: 0, pendingRefunds: 0, openEscalations: 0 }
  return { createdAt: daysAgo(201), unlocks, ...settled, ...more }
}

describe('contact details may be erased by hand', () => {
  test.each(UNLOCK_STATUSES)('in %s, when nobody can pay for them any more and nobody waits for them', (status) => {
    const isClosed = ![...UNPAID_STATUSES, 'PAID'].includes(status)
    expect(obstacleToErasure(lead([unlock(status)])) === null).toBe(isClosed)
    expect(obstacleToErasure(lead([unlock('DONE'), unlock(status), unlock('EXPIRED')])) === null).toBe(isClosed)
  })

  test('of a lead that was offered to nobody', () => {
    expect(obstacleToErasure(lead([]))).toBeNull()
  })

  test('not while the delivery of a reveal is open; one that a person has to look after does not wait for itself', () => {
    expect(obstacleToErasure(lead([unlock('REVEAL_DETAILS_SENT', { awaitsConfirmation: true })]))).toMatch(/being sent/)
    expect(obstacleToErasure(lead([unlock('DONE', { awaitsConfirmation: true })]))).toBeNull()
  })

  test.each([
    ['openLinks', /payment link/],
    ['unsentReveals', /being sent/],
    ['undeliveredDetails', /did not arrive/],
  ] as const)('not while there are %s', (what, reason) => {
    expect(obstacleToErasure(lead([unlock('EXPIRED')], { [what]: 1 }))).toMatch(reason)
  })

  test.each(['pendingRefunds', 'openEscalations'] as const)('also while there are %s: they need no details', (what) => {
    expect(obstacleToErasure(lead([unlock('EXPIRED')], { [what]: 1 }))).toBeNull()
  })
})

describe('contact details are erased by themselves', () => {
  const isOver = (facts: ErasureFacts, days = 180) => isRetentionOver(facts, NOW, days)

  test('once the last change of a closed lead is long enough ago, to the day', () => {
    expect(isOver(lead([unlock('DONE', { updatedAt: daysAgo(180) })]))).toBe(true)
    expect(isOver(lead([unlock('DONE', { updatedAt: daysAgo(179.99) })]))).toBe(false)
    expect(isOver(lead([unlock('EXPIRED'), unlock('DONE', { updatedAt: daysAgo(3) })]))).toBe(false)
  })

  test('counted from its creation when it was offered to nobody', () => {
    expect(isOver(lead([], { createdAt: daysAgo(180) }))).toBe(true)
    expect(isOver(lead([], { createdAt: daysAgo(179) }))).toBe(false)
  })

  test('counted from the end of an offer that was declined, and could be taken up until then', () => {
    const declined = { closedReason: 'declined', ttlExpiresAt: daysAgo(100) } as const
    expect(isOver(lead([unlock('EXPIRED', declined)]))).toBe(false)
    expect(isOver(lead([unlock('EXPIRED', { ...declined, closedReason: 'admin' })]))).toBe(true)
  })

  test('never while anything about it is unsettled', () => {
    for (const what of ['openLinks', 'unsentReveals', 'pendingRefunds', 'openEscalations'])
      expect(isOver(lead([unlock('DONE')], { [what]: 1 }))).toBe(false)
    for (const status of [...UNPAID_STATUSES, 'PAID'] as const) expect(isOver(lead([unlock(status)]))).toBe(false)
  })

  test('never when they are to be kept for ever', () => {
    expect(isOver(lead([unlock('DONE', { updatedAt: daysAgo(30_000) })]), 0)).toBe(false)
  })
})
