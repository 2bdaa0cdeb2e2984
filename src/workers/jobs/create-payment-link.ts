import { OutboundMessage, PaymentLink, Unlock } from '../../db/entities/index.ts'
import { resolveEscalations } from '../../db/escalations/escalations.ts'
import { concernsOpenLink } from '../../db/ledger/acceptance.ts'
import { recordLink, recordLinksLookedFor, takeNewLinkAttempt } from '../../db/payments/links.ts'
import { inTransaction } from '../../db/postgres/orm.ts'
import { lockUnlock } from '../../db/unlocks/apply-event.ts'
import { isIn, LINK_DUE_STATUSES, UNPAID_STATUSES } from '../../domain/states.ts'
import { RefusedError, UnclearError } from '../../gateways/errors.ts'
import { deliver } from '../deliver.ts'
import type { JobDeps } from '../deps.ts'
import { closeEarlierLinks, recordStrayLinks } from '../earlier-links.ts'
import { checkExistingPayment } from '../existing-payment.ts'
import { defineJob } from '../job.ts'
import { leaveToPerson } from '../leave-to-person.ts'
import { recordAndPublish } from '../record-and-publish.ts'
import { unsentMessages } from '../unsent-messages.ts'

/** Unclear answers that Stripe would repeat under the same idempotency key. */
const REPLAYED_CODES = ['replayable_500', 'idempotency_mismatch']

/** Stripe may forget an idempotency key after 24 hours. */
const KEY_KEPT_MS = 20 * 3_600_000

/** After a Y: is it paid already? If not, make the link and send it. Also sends the same link again when asked. */
export const createPaymentLink = defineJob({
  name: 'create-payment-link',

  async run(deps, { unlock_id }) {
    const unlock = await deps.em.fork().findOne(Unlock, { id: unlock_id })
    if (unlock === null) return
    if (unlock.linkUnrecorded && !isIn(LINK_DUE_STATUSES, unlock.status)) {
      await recordStrayLinks(deps, unlock, unlock.linkGeneration)
      await recordLinksLookedFor(deps.em.fork(), unlock)
    }
    const ready = unlock.status === 'CHECK_EXISTING_PAYMENT' ? await checkExistingPayment(deps, unlock) : unlock
    if (ready.status === 'CREATE_PAYMENT_LINK') await ensureLink(deps, ready)
    // The newest first: those before it are of links that were closed, and one that stays unclear would hold it up.
    const messages = await unsentMessages(deps, unlock_id, 'payment_link')
    for (const message of messages.toReversed()) await deliverWhileOpen(deps, message)
    if (!isIn(UNPAID_STATUSES, unlock.status)) await resolveIfOver(deps, unlock_id)
  },

  async onFailed(deps, { unlock_id }, code) {
    await leaveToPerson(deps, unlock_id, code, {
      purpose: 'payment_link',
      dueIn: LINK_DUE_STATUSES,
      kind: 'payment_link_failed',
      summary: `The payment link of unlock ${unlock_id} could not be made or sent (${code}).`,
    })
  },
})

/** A text that is refused once its link was closed is nobody's concern: the link after it, if any, has a job of its own. */
async function deliverWhileOpen(deps: JobDeps, message: OutboundMessage): Promise<void> {
  try {
    await deliver(deps, message)
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    const em = deps.em.fork()
    const { status } = await em.findOneOrFail(OutboundMessage, { id: message.id })
    if (status !== 'failed' || (await concernsOpenLink(em, message))) throw error
  }
}

/** Once the offer is over, or paid, nobody waits for a link any more, whatever kept them from having one. */
async function resolveIfOver(deps: JobDeps, unlockId: number): Promise<void> {
  await inTransaction(deps.em, async (tx) => {
    // Locked: a Y may have reopened it meanwhile, and what it wants may have failed.
    const unlock = await lockUnlock(tx, unlockId)
    if (unlock === null || isIn(UNPAID_STATUSES, unlock.status)) return
    await resolveEscalations(tx, ['payment_link_failed'], `unlock:${unlockId}`, 'no link wanted any more')
  })
}

async function ensureLink(deps: JobDeps, unlock: Unlock): Promise<void> {
  const generation = unlock.linkGeneration
  const existing = await deps.em.fork().findOne(PaymentLink, { unlockId: unlock.id, generation })
  if (existing !== null) return
  await recordStrayLinks(deps, unlock, generation - 1)
  await closeEarlierLinks(deps, unlock.id)
  const link = (await findEarlierLink(deps, unlock)) ?? (await makeLink(deps, unlock))
  await recordAndPublish(deps, (tx) => recordLink(tx, unlock.id, generation, link))
}

/**
 * After an answer that told nothing, the link may exist under a key that is no longer used; and after long, under one that
 * Stripe has forgotten and would take for a new one.
 */
async function findEarlierLink(deps: JobDeps, unlock: Unlock): Promise<{ id: string; url: string } | null> {
  // The unlock has not changed since it came to want a link.
  const isKeyKept = unlock.dbNow.getTime() - unlock.updatedAt.getTime() < KEY_KEPT_MS
  if (unlock.linkAttempt === 0 && isKeyKept) return null
  const { id: unlockId, leadId, linkGeneration: generation } = unlock
  const found = await deps.stripe.findActiveLinks({ unlockId, leadId, generations: [generation] })
  return found.get(generation) ?? null
}

async function makeLink(deps: JobDeps, unlock: Unlock): Promise<{ id: string; url: string }> {
  try {
    return await deps.stripe.createPaymentLink({
      unlockId: unlock.id,
      leadId: unlock.leadId,
      providerId: unlock.providerId,
      generation: unlock.linkGeneration,
      attempt: unlock.linkAttempt,
      priceCents: unlock.priceCents,
      currency: unlock.currency,
      productName: `Client inquiry ${unlock.leadId}`,
      inactiveMessage: 'This link is closed: it was paid, or the offer is over.',
    })
  } catch (error) {
    if (error instanceof RefusedError || (error instanceof UnclearError && REPLAYED_CODES.includes(error.code))) {
      await inTransaction(deps.em, (tx) => takeNewLinkAttempt(tx, unlock))
    }
    throw error
  }
}
