import { expect } from 'vitest'
import { checkInvariants } from '../support/invariants.ts'
import { describeTally, takeTally } from '../support/tally.ts'
import type { Crowd } from './crowd.ts'
import type { Site } from './site.ts'

export type Fault = {
  name: string
  seed: number
  startedAt: number /** Measured along the way, for the tally. */
  notes?: () => string[]
}

/** What a fault needs to have been survived within, milliseconds: leases, graces and backoffs end on their own time. */
export const SURVIVED_WITHIN_MS = 240_000

/**
 * Waits until everything has ended well, prints the tally, and holds it against what is promised: every paid unlock revealed
 * exactly once, nothing lost, nothing twice, every invariant kept.
 */
export async function survived(
  site: Site,
  crowd: Crowd,
  { name, seed, startedAt, notes = () => [] }: Fault,
): Promise<void> {
  await crowd.done(SURVIVED_WITHIN_MS)
  await crowd.stop()
  const tally = await takeTally(site)
  const took = `${Math.round((performance.now() - startedAt) / 1000)} s`
  console.log([describeTally(`${name} (seed ${seed})`, tally), ...notes(), took].join(' | '))

  const planned = (...plans: string[]) => crowd.members.filter(({ plan }) => plans.includes(plan)).length
  const buyers = planned('buy', 'buy twice', 'insist')
  const double = planned('buy twice')
  await checkInvariants(site)
  expect(tally).toEqual({
    leads: new Set(crowd.members.map(({ leadId }) => leadId)).size,
    unlocks: crowd.members.length,
    payments: buyers + double,
    paidUnlocks: buyers,
    reveals: buyers + tally.askedAgain,
    askedAgain: expect.any(Number),
    refunds: double,
    escalations: { second_payment: double },
    lost: [],
    twice: [],
  })
}
