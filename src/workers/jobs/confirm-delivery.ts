import { OutboundMessage, Unlock } from '../../db/entities/index.ts'
import { callAboutLostDetails } from '../../db/ledger/lost-details.ts'
import { lockMessage } from '../../db/ledger/message-lock.ts'
import { applyEvent, lockUnlock } from '../../db/unlocks/apply-event.ts'
import { isUnsent, receiptOutcome } from '../../domain/outbound.ts'
import { applyReceipt } from '../apply-receipt.ts'
import type { JobDeps } from '../deps.ts'
import { RetryLater } from '../errors.ts'
import { defineJob } from '../job.ts'
import { recordAndPublish } from '../record-and-publish.ts'

/** Until the next look while the details are being sent again, minutes. */
const POSTPONE_MINUTES = 10

const CONFIRMED = { type: 'reveal_confirmed' } as const

/** Asks the gateway what became of a reveal for which no receipt came. No failure reported counts as delivered. */
export const confirmDelivery = defineJob({
  name: 'confirm-delivery',

  async run(deps, { unlock_id }) {
    const unlock = await deps.em.findOne(Unlock, { id: unlock_id })
    if (unlock?.status !== 'REVEAL_DETAILS_SENT' || unlock.revealConfirmAt == null) return
    const early = unlock.revealConfirmAt.getTime() - unlock.dbNow.getTime()
    if (early > 0) throw new RetryLater(early)
    await conclude(deps, unlock_id, (accepted) => ask(deps, unlock_id, accepted))
  },

  // A gateway that cannot be asked has reported no failure. One that it reports later is heeded all the same.
  async onFailed(deps, { unlock_id }) {
    await conclude(deps, unlock_id, (accepted) => confirmUnlessLost(deps, unlock_id, accepted.id))
  },
})

/** @param unsettled what to do about a reveal that was accepted and of which nothing else is known */
async function conclude(
  deps: JobDeps,
  unlockId: number,
  unsettled: (accepted: OutboundMessage) => Promise<void>,
): Promise<void> {
  const em = deps.em.fork()
  const reveals = await em.find(OutboundMessage, { unlockId, purpose: 'reveal' }, { orderBy: { id: 'desc' } })
  const accepted = reveals.find(({ status }) => status === 'accepted')
  if (reveals.some(({ status }) => status === 'delivered')) await confirmDelivered(deps, unlockId)
  // It is due by itself, or waits for a person.
  else if (reveals.some(({ status }) => isUnsent(status))) await postpone(deps, unlockId)
  else if (accepted !== undefined) await unsettled(accepted)
  else await callAboutLost(deps, unlockId)
}

async function callAboutLost(deps: JobDeps, unlockId: number): Promise<void> {
  await recordAndPublish(deps, async (tx) => {
    const unlock = await lockUnlock(tx, unlockId)
    return unlock === null ? [] : callAboutLostDetails(tx, unlock)
  })
}

/** Unless they were accepted meanwhile, which has set the time to ask about them. */
async function postpone(deps: JobDeps, unlockId: number): Promise<void> {
  await deps.em.execute(
    `update lead_unlocks set reveal_confirm_at = app_now() + make_interval(mins => ?)
     where id = ? and status = 'REVEAL_DETAILS_SENT' and reveal_confirm_at <= app_now()`,
    [POSTPONE_MINUTES, unlockId],
  )
}

async function ask(deps: JobDeps, unlockId: number, message: OutboundMessage): Promise<void> {
  const answer = message.gatewayId == null ? null : await deps.textmagic.getMessage(message.gatewayId)
  if (answer !== null && receiptOutcome(answer.status) !== 'on_the_way') {
    const { status, rejectReason } = answer
    await applyReceipt(deps, {
      messageId: message.id,
      gatewayId: message.gatewayId ?? null,
      letter: status,
      rejectReason,
    })
  } else {
    await confirmUnlessLost(deps, unlockId, message.id)
  }
}

/** A failure may have been reported while the gateway was asked: then the next sending decides. */
async function confirmUnlessLost(deps: JobDeps, unlockId: number, messageId: number): Promise<void> {
  await recordAndPublish(deps, async (tx) => {
    const { message } = await lockMessage(tx, messageId)
    if (message.status !== 'accepted') return []
    return (await applyEvent(tx, unlockId, CONFIRMED, 'no failure reported')).due
  })
}

async function confirmDelivered(deps: JobDeps, unlockId: number): Promise<void> {
  await recordAndPublish(deps, async (tx) => (await applyEvent(tx, unlockId, CONFIRMED, 'delivered')).due)
}
