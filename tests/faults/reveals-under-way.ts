import { expect } from 'vitest'
import type { FaultKind } from '../../src/sandbox/faults.ts'
import { DETAILS } from '../acceptance/people.ts'
import { checkInvariants } from '../support/invariants.ts'
import { until } from '../support/until.ts'
import { type Buyer, buyerWithLink } from './buyer.ts'
import type { Site } from './site.ts'

const STEP_MS = 90_000

const SENDS = { method: 'POST', path: '/api/v2/messages' } as const

/** Two buyers pay, and their reveals are at a gateway that never answers: it took the one, and not the other. */
export async function revealsUnderWay(site: Site): Promise<Buyer[]> {
  const kinds: FaultKind[] = ['hang', 'accept_then_hang']
  const buyers: Buyer[] = []
  // Later than what is asked below: a receipt alone would tell that the text was accepted.
  site.textmagic.configure({ deliveryDelayMs: 15_000 })
  for (const _kind of kinds) buyers.push(await buyerWithLink(site))
  for (const [index, buyer] of buyers.entries()) {
    const kind = kinds[index]
    if (kind === undefined) throw new Error('more buyers than faults')
    site.textmagic.faults.add({ ...SENDS, kind, times: 1 })
    await site.stripe.payLink(buyer.url)
    await until('the reveal to be at the gateway', () => site.textmagic.faults.list().length === 0, undefined, STEP_MS)
  }
  const statuses = await site.rows<{ status: string; message: string }>(
    `select u.status, m.status as message from lead_unlocks u join outbound_messages m on m.unlock_id = u.id
     where m.purpose = 'reveal' and u.id in (${buyers.map(({ unlockId }) => unlockId).join(',')})`,
  )
  expect(statuses).toEqual(buyers.map(() => ({ status: 'PAID', message: 'sending' })))
  return buyers
}

/** Each got the details, once, and nothing else is amiss. */
export async function areRevealedOnce(site: Site, buyers: readonly Buyer[]): Promise<void> {
  const done = async () => {
    const answers = await Promise.all(buyers.map(({ unlockId }) => site.api('GET', `/api/unlocks/${unlockId}`)))
    return answers.map(({ body }) => body.unlock.status)
  }
  const holds = async () => (await done()).every((status) => status === 'DONE')
  await until('the unlocks to be done', holds, async () => JSON.stringify(await done()), STEP_MS)
  for (const { phone } of buyers) {
    const details = site.textmagic.messages().filter((one) => one.phone === phone && DETAILS.test(one.text))
    expect(details).toHaveLength(1)
  }
  await checkInvariants(site)
}
