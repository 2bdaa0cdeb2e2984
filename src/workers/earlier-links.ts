import { PaymentLink, type Unlock } from '../db/entities/index.ts'
import { closingLinks, recordLink } from '../db/payments/links.ts'
import { closeLink } from './close-link.ts'
import type { JobDeps } from './deps.ts'
import { recordAndPublish } from './record-and-publish.ts'

/** At most one link can be paid: one that is still being closed is closed before the next is made. */
export async function closeEarlierLinks(deps: JobDeps, unlockId: number): Promise<void> {
  for (const link of await closingLinks(deps.em.fork(), { unlockId })) await closeLink(deps, link)
}

/**
 * Finds links that were made though their answer was lost, while the unlock moved on: nobody has their URL, and they are
 * closed.
 *
 * @param upTo the last generation that wants no link any more
 */
export async function recordStrayLinks(deps: JobDeps, unlock: Unlock, upTo: number): Promise<void> {
  const links = await deps.em.fork().find(PaymentLink, { unlockId: unlock.id })
  const known = new Set(links.map(({ generation }) => generation))
  const generations = Array.from({ length: upTo }, (_, index) => index + 1).filter((one) => !known.has(one))
  const strays = await deps.stripe.findActiveLinks({ unlockId: unlock.id, leadId: unlock.leadId, generations })
  for (const [generation, stray] of strays) {
    await recordAndPublish(deps, (tx) => recordLink(tx, unlock.id, generation, stray))
  }
}
